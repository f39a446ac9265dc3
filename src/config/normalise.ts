/**
 * Reduces what the spec allows in several forms to one, for the planners: relative mount destinations, console sizes
 * without a terminal, crun's annotation for a seccomp agent, and numbers by which engines written in Go mean "none".
 */

import type {
  Config,
  ConsoleSize,
  Device,
  DeviceRule,
  MemoryResources,
  Mount,
  Process,
  Resources,
  Seccomp,
} from './config.ts'
import type { Report } from './rule.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function normaliseConfig(config: Config, warn: Report): void {
  for (let i = 0; i < config.mounts.length; i++) {
    const mount = config.mounts[i] as Mutable<Mount>
    if (!mount.destination.startsWith('/')) {
      mount.destination = `/${mount.destination}`
      warn(`mounts[${i}].destination`, `relative paths are deprecated: taken as ${mount.destination}`)
    }
    mount.destination = shortest(mount.destination)
  }
  for (const device of config.linux.devices as readonly Mutable<Device>[]) device.path = shortest(device.path)
  for (const paths of [config.linux.maskedPaths, config.linux.readonlyPaths] as string[][])
    for (let i = 0; i < paths.length; i++) paths[i] = shortest(paths[i] as string)
  if (config.process !== undefined) normaliseProcess(config.process)
  normaliseResources(config.linux.resources)
  setSeccompReceiver(config, config.annotations['run.oci.seccomp.receiver'])
}

/** crun(1): an agent's socket for a linux.seccomp without listenerPath. */
export function setSeccompReceiver({ linux }: Config, path: string | undefined): void {
  const seccomp = linux.seccomp as Mutable<Seccomp> | undefined
  if (seccomp !== undefined && path !== undefined) seccomp.listenerPath ??= path
}

/**
 * Without empty parts and `.`, because planners compare destinations. Keeps `..`: links in the root file system decide
 * where it leads.
 */
export function shortest(path: string): string {
  if (!path.endsWith('/') && !path.includes('//') && !path.includes('/.')) return path
  // A rule refuses relative paths.
  if (!path.startsWith('/')) return path
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return `/${parts.join('/')}`
}

/** "Runtimes MUST ignore consoleSize if terminal is false or unset." */
export function normaliseProcess(process: Process): void {
  if (!process.terminal) delete (process as { consoleSize?: ConsoleSize }).consoleSize
}

export function normaliseResources(resources: Resources): void {
  for (const rule of resources.devices as readonly Mutable<DeviceRule>[]) {
    if (rule.major === -1n) delete rule.major
    if (rule.minor === -1n) delete rule.minor
  }
  const memory = resources.memory as Mutable<MemoryResources>
  if (memory.swappiness === 18446744073709551615n) delete memory.swappiness
}
