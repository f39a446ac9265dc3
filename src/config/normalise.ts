/**
 * What the spec lets a config say in several ways is said in one from here on, so that each planner need not know: relative
 * mount destinations, console sizes without a terminal, crun's annotation for a seccomp agent, and numbers by which
 * engines written in Go mean "none".
 */

import type { Config, ConsoleSize, DeviceRule, MemoryResources, Mount, Process, Resources, Seccomp } from './config.ts'
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
  if (config.process !== undefined) normaliseProcess(config.process)
  normaliseResources(config.linux.resources)
  setSeccompReceiver(config, config.annotations['run.oci.seccomp.receiver'])
}

/** crun(1): an agent's socket where linux.seccomp names none. */
export function setSeccompReceiver({ linux }: Config, path: string | undefined): void {
  const seccomp = linux.seccomp as Mutable<Seccomp> | undefined
  if (seccomp !== undefined && path !== undefined) seccomp.listenerPath ??= path
}

/** Without empty parts and `.`, for planners compare destinations. `..` stays: what it leads to, links in the root file system decide. */
function shortest(path: string): string {
  if (!path.endsWith('/') && !path.includes('//') && !path.includes('/.')) return path
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
