// Devices (config-linux.md "Devices", "Default Devices", runtime-linux.md "Dev symbolic links"): nodes and links below
// the container's /dev. In a user namespace nodes cannot be created, so the host's are bind-mounted.

import type { Config, Device } from '../config/config.ts'
import {
  EEXIST,
  MS_PRIVATE,
  makedev,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
} from '../steps/constants.ts'
import { ON_MISSING_CREATE, ON_MISSING_MKDIR, type Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { openTarget, refuseProc } from './mount-steps.ts'

interface PlannedDevice {
  readonly device: Device
  readonly from: string
}

const character = (name: string, major: bigint, minor: bigint): PlannedDevice => ({
  device: { type: 'c', path: `/dev/${name}`, major, minor, fileMode: 0o666, uid: 0, gid: 0 },
  from: `default device /dev/${name}`,
})

const defaultDevices: readonly PlannedDevice[] = [
  character('null', 1n, 3n),
  character('zero', 1n, 5n),
  character('full', 1n, 7n),
  character('random', 1n, 8n),
  character('urandom', 1n, 9n),
  character('tty', 5n, 0n),
]

const links: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
  ['ptmx', 'pts/ptmx'],
]

const nodeTypes: Readonly<Record<Device['type'], number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO }

/** The config bind-mounts a /dev of the host: it is left unchanged. */
const isForeignDev = ({ config }: PlanContext): boolean =>
  config.mounts.some(
    ({ destination, type, options }) =>
      destination === '/dev' && (type === 'bind' || options.includes('bind') || options.includes('rbind')),
  )

/** The devices of the config, and the default ones unless the config has a device or a mount of the same path. */
function wantedDevices({ linux }: PlanContext, covered: ReadonlySet<string>): PlannedDevice[] {
  const own = linux.devices.map((device, index) => ({ device, from: `linux.devices[${index}] (${device.path})` }))
  const paths = new Set(own.map(({ device }) => device.path))
  return [
    ...defaultDevices.filter(({ device }) => !paths.has(device.path) && !covered.has(device.path)),
    ...own.filter(({ device }) => device.path !== '/dev/ptmx'),
  ]
}

/** Every device node that a container of this config may have. */
export const devicePaths = ({ linux }: Config): string[] => [
  ...new Set([...defaultDevices.map(({ device }) => device.path), ...linux.devices.map(({ path }) => path)]),
]

/** /dev itself: the file system that the config mounts there, else the image's directory, never through a link
 * (CVE-2026-41579). */
function openDev(context: PlanContext): { dev: number; steps: Step[] } {
  if (context.shared.dev !== undefined) return { dev: context.shared.dev, steps: [] }
  const dev = context.slots.allocate('/dev')
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
  const step: Step = {
    op: 'openat2',
    from: 'default devices',
    at: context.shared.root,
    path: 'dev',
    flags: O_PATH | O_CLOEXEC,
    resolve,
    onMissing: ON_MISSING_MKDIR,
    into: dev,
  }
  return { dev, steps: [step] }
}

export function deviceSteps(context: PlanContext): SectionSteps {
  if (isForeignDev(context)) return { runtime: [], container: [] }
  const { dev, steps } = openDev(context)
  const runtime: Step[] = []
  const covered = new Set(context.config.mounts.map(({ destination }) => destination))
  for (const planned of wantedDevices(context, covered)) {
    if (context.namespaces.unprivileged && planned.device.type !== 'p') {
      const part = bindDevice(context, planned)
      runtime.push(...part.runtime)
      steps.push(...part.container, endSection(planned.from))
    } else {
      steps.push(...makeNode(context, planned, dev))
    }
  }
  for (const [name, target] of links) {
    const from = `/dev/${name}`
    // A file that the image, or a device that the config, has at this path is kept, as in runc.
    if (!covered.has(from)) steps.push({ op: 'symlinkat', from, target, at: dev, path: name, tolerate: [EEXIST] })
  }
  return { runtime, container: steps }
}

function makeNode(context: PlanContext, { device, from }: PlannedDevice, dev: number): Step[] {
  const slash = device.path.lastIndexOf('/')
  const directory = device.path.slice(0, slash)
  const path = device.path.slice(slash + 1)
  const open = directory === '/dev' ? undefined : openTarget(context, from, directory === '' ? '/' : directory, {})
  const node: Step = {
    op: 'mknodat',
    from,
    at: open?.into ?? dev,
    path,
    mode: nodeTypes[device.type] | (device.fileMode ?? 0o666),
    rdev: device.type === 'p' ? 0 : makedev(Number(device.major), Number(device.minor)),
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  }
  return open === undefined ? [node] : [open, node, endSection(from)]
}

function bindDevice(context: PlanContext, { device, from }: PlannedDevice): SectionSteps {
  const byRuntime = context.namespaces.cloner === 'runtime'
  const name = `host ${device.path}`
  const node = byRuntime ? context.slots.allocate(name) : temporary('device')
  const target = openTarget(context, from, device.path, { onMissing: ON_MISSING_CREATE, refuseProc: refuseProc({}) })
  const clone: Step[] = [
    {
      op: 'open_tree',
      from,
      path: device.path,
      resolve: RESOLVE_NO_MAGICLINKS,
      flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC,
      into: node,
      expectRdev: makedev(Number(device.major), Number(device.minor)),
      ...(device.type === 'b' && { expectBlock: 1 }),
    },
    // The clone is still a peer of the host's /dev: a mount on the container's node would cover the host's.
    { op: 'mount_setattr', from, fd: node, propagation: MS_PRIVATE },
  ]
  const place: Step[] = [target, { op: 'move_mount', from, mount: node, to: target.into }]
  return byRuntime ? { runtime: clone, container: place } : { runtime: [], container: [...clone, ...place] }
}
