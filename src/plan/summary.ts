// A screenful about a launch (`runt plan --summary`): what a reader of config.json wants to know first.

import type { Config, Hooks, IdMapping, Linux, Mount, Process, Resources } from '../config/config.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { valueText } from './print-values.ts'

type Row = readonly [title: string, ...lines: readonly string[]]

/** A title and its lines; rows without a line are left out. */
export function summarize(config: Config, plan: LaunchPlan, id: string, bundle: string): string {
  const rows: readonly Row[] = [
    ['container', `${id}, from ${bundle}`],
    ['root', `${config.root.path}${config.root.readonly ? ', read-only' : ''}`],
    ...(config.process === undefined ? [] : processRows(config.process)),
    ...linuxRows(config),
    ['hooks', ...hookLines(config.hooks)],
    [
      'steps',
      `${plan.runtimeSteps.length} of the runtime, ${plan.containerSteps.length} of init; "runt plan" lists them`,
    ],
  ]
  return rows
    .filter(([, first]) => first !== undefined)
    .map(([title, ...lines]) => lines.map((line, i) => `${(i === 0 ? title : '').padEnd(14)}${line}\n`).join(''))
    .join('')
}

function processRows(process: Process): readonly Row[] {
  const { args, user, cwd, terminal, noNewPrivileges, rlimits, capabilities } = process
  const more = user.additionalGids.length === 0 ? '' : `, groups ${user.additionalGids.join(' ')}`
  const traits = [
    `in ${cwd}`,
    ...(terminal ? ['with a terminal'] : []),
    ...(noNewPrivileges ? ['no new privileges'] : []),
  ]
  return [
    ['process', valueText(args).slice(1, -1), traits.join(', ')],
    ['user', `${user.uid}:${user.gid}${more}`],
    [
      'capabilities',
      capabilities === undefined ? 'none' : listOf(capabilities.bounding.map((name) => name.slice('CAP_'.length))),
    ],
    ['rlimits', ...rlimits.map(({ type, soft, hard }) => `${type.slice('RLIMIT_'.length)} ${soft}, at most ${hard}`)],
  ]
}

function linuxRows({ linux, mounts, hostname }: Config): readonly Row[] {
  const { namespaces, uidMappings, gidMappings, cgroupsPath, resources, maskedPaths, readonlyPaths } = linux
  const joined = namespaces.filter(({ path }) => path !== undefined)
  return [
    ['hostname', ...(hostname === undefined ? [] : [hostname])],
    [
      'namespaces',
      `new: ${listOf(namespaces.filter(({ path }) => path === undefined).map(({ type }) => type))}`,
      ...joined.map(({ type, path }) => `joined: ${type} (${path})`),
    ],
    ['ids', ...uidMappings.map(mappingLine('uid')), ...gidMappings.map(mappingLine('gid'))],
    ['mounts', ...mounts.map(mountLine)],
    ['covered', ...coveredLines(maskedPaths, readonlyPaths)],
    ['cgroup', cgroupsPath ?? 'named like the container'],
    ['limits', ...limitLines(resources)],
    ['devices', ...resources.devices.map(deviceLine)],
    ['sysctls', ...Object.entries(linux.sysctl).map(([name, value]) => `${name} = ${value}`)],
    ['seccomp', seccompLine(linux)],
  ]
}

const listOf = (words: readonly string[]): string => (words.length === 0 ? 'none' : words.join(' '))

const mappingLine =
  (kind: string) =>
  ({ containerID, hostID, size }: IdMapping): string =>
    `${kind}s ${containerID} to ${containerID + size - 1} are ${hostID} to ${hostID + size - 1} of the host`

const mountLine = ({ destination, type, source, options }: Mount): string =>
  [
    destination,
    `${type ?? 'bind'}${source === undefined || source === type ? '' : ` from ${source}`}`,
    options.join(','),
  ]
    .filter((part) => part !== '')
    .join('  ')

function coveredLines(masked: readonly string[], readonly: readonly string[]): readonly string[] {
  if (masked.length + readonly.length === 0) return []
  return [`masked: ${listOf(masked)}`, `read-only: ${listOf(readonly)}`]
}

const MIB = 1n << 20n

/** `memory.limit 64 MiB`: everything in resources that has a value, except device rules. */
function limitLines({ devices: _, ...resources }: Resources): readonly string[] {
  const lines: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (value === undefined || value === false) return
    if (typeof value === 'bigint' && /^memory\.(?!swappiness)/.test(path) && value >= MIB && value % MIB === 0n)
      lines.push(`${path} ${value / MIB} MiB`)
    else if (value === null || typeof value !== 'object') lines.push(`${path} ${value}`)
    else
      for (const [name, item] of Object.entries(value))
        visit(item, Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`)
  }
  visit(resources, '')
  return lines
}

function deviceLine({ allow, type, major, minor, access }: Resources['devices'][number]): string {
  const number = (value: bigint | undefined): string => (value === undefined || value < 0n ? '*' : String(value))
  const device = type === undefined || type === 'a' ? 'all' : `${type} ${number(major)}:${number(minor)}`
  return `${allow ? 'allow' : 'deny'} ${device} ${access ?? 'rwm'}`
}

function seccompLine({ seccomp }: Linux): string {
  if (seccomp === undefined) return 'none: every system call is allowed'
  const { defaultAction, architectures, syscalls } = seccomp
  const calls = new Set(syscalls.flatMap(({ names }) => names)).size
  return `${defaultAction} except ${calls} calls in ${syscalls.length} rules, for ${listOf(architectures)}`
}

const hookLines = (hooks: Hooks): readonly string[] =>
  Object.entries(hooks).flatMap(([kind, list]) =>
    list.map(
      ({ path, timeout }: Hooks['prestart'][number]) =>
        `${kind}: ${path}${timeout === undefined ? '' : `, at most ${timeout} s`}`,
    ),
  )
