// linux.intelRdt (config-linux.md "IntelRdt"): the container's class of service, a resctrl directory that is created or
// must match the config, and its monitoring group. The pid of a ready container is written there; its children inherit
// the group.

import type { IntelRdt } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { ESRCH } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'

/** Facts about the host, read only for a container with intelRdt. */
export interface ResctrlFacts {
  /** Absent: no resctrl file system is mounted. */
  readonly mountpoint?: string
  /** The schemata file of the container's class; absent: the class does not exist yet. */
  readonly schemata?: string
}

export interface RdtPlan {
  /** Before clone. */
  readonly prepare: readonly Step[]
  /** Once init has its final pid. */
  readonly assign: readonly Step[]
  /** Files to which the pids of further processes are written. */
  readonly tasks: readonly string[]
  /** Directories to remove with the container, in this order. */
  readonly directories: readonly string[]
}

const FROM = 'linux.intelRdt'
const nothing: RdtPlan = { prepare: [], assign: [], tasks: [], directories: [] }

/** The directory of the class, relative to the mount point. */
export const rdtGroup = ({ closID }: IntelRdt, id: string): string =>
  closID === '/' ? '' : `/${closID === undefined ? id : closID}`

export function planRdt(rdt: IntelRdt | undefined, id: string, facts: ResctrlFacts = {}): RdtPlan {
  if (rdt === undefined) return nothing
  const { mountpoint, schemata } = facts
  if (mountpoint === undefined) throw failure('host', 'no resctrl file system is mounted')
  const group = mountpoint + rdtGroup(rdt, id)
  const isNew = schemata === undefined
  if (!isNew) checkSchemata(rdt, schemata)
  const lines = schemataLines(rdt)
  if (isNew && rdt.closID !== undefined && lines.length === 0)
    throw failure('host', `closID ${rdt.closID} does not exist, and there is no schema to make it with`)
  const monitoring = rdt.enableMonitoring ? `${group}/mon_groups/${id}` : undefined
  const made = [...(isNew ? [group] : []), ...(monitoring === undefined ? [] : [monitoring])]
  const tasks = [group, ...(monitoring === undefined ? [] : [monitoring])].map((directory) => `${directory}/tasks`)
  return {
    prepare: [
      ...made.map((path): Step => ({ op: 'mkdirat', from: FROM, path, mode: 0o755 })),
      // Each line is a write of its own, in the order that the spec requires.
      ...lines.map(([from, line]) => writeLine(from, group, line)),
    ],
    assign: tasks.map((path): Step => ({ op: 'write_pid', from: FROM, path })),
    tasks,
    directories: made.filter((path) => path === monitoring || rdt.closID === undefined).reverse(),
  }
}

/** A container's class, as recorded. */
export type RdtRecord = Pick<RdtPlan, 'tasks' | 'directories'>

/** Facts that an update needs about a container without a class. */
export interface RdtCandidate {
  /** The directory for its class, and whether it exists. */
  readonly group: string
  readonly exists: boolean
  /** Its processes. */
  readonly pids: readonly number[]
}

/**
 * New schemata for a running container (runc-update(8)): for its class, or for a new class with its name, into which all of its
 * processes are moved.
 */
export function planRdtUpdate(
  schemas: Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>,
  where: RdtRecord | RdtCandidate,
): { readonly steps: readonly Step[]; readonly rdt: RdtRecord } {
  const linesInto = (group: string): Step[] =>
    schemataLines({ ...schemas, schemata: [] }).map(([from, line]) => writeLine(from, group, line))
  if ('tasks' in where) {
    const [tasks = ''] = where.tasks
    return { steps: linesInto(tasks.slice(0, tasks.lastIndexOf('/'))), rdt: where }
  }
  const { group, exists, pids } = where
  const tasks = `${group}/tasks`
  return {
    steps: [
      { op: 'mkdirat', from: FROM, path: group, mode: 0o755 },
      ...linesInto(group),
      // A process may end meanwhile.
      ...pids.map((pid): Step => ({ op: 'write_file', from: FROM, path: tasks, data: `${pid}\n`, tolerate: [ESRCH] })),
    ],
    rdt: { tasks: [tasks], directories: exists ? [] : [group] },
  }
}

const writeLine = (from: string, group: string, line: string): Step => ({
  op: 'write_file',
  from,
  path: `${group}/schemata`,
  data: `${line}\n`,
})

/** "l3CacheSchema first", then memBwSchema, "the value of schemata field must be written last". */
const schemataLines = ({
  l3CacheSchema,
  memBwSchema,
  schemata,
}: Omit<IntelRdt, 'enableMonitoring'>): [string, string][] => [
  ...(l3CacheSchema === undefined ? [] : [[`${FROM}.l3CacheSchema`, l3CacheSchema] as [string, string]]),
  ...(memBwSchema === undefined ? [] : [[`${FROM}.memBwSchema`, memBwSchema] as [string, string]]),
  ...schemata.map((line, index): [string, string] => [`${FROM}.schemata[${index}]`, line]),
]

/** An existing class must have the schemata of the config, compared domain by domain. */
function checkSchemata({ l3CacheSchema, memBwSchema }: IntelRdt, existing: string): void {
  const has = new Map(existing.split('\n').map(parseSchema))
  for (const [name, text] of [
    ['l3CacheSchema', l3CacheSchema],
    ['memBwSchema', memBwSchema],
  ] as const) {
    if (text === undefined) continue
    const [resource, domains] = parseSchema(text)
    for (const [domain, value] of domains)
      if (has.get(resource)?.get(domain) !== value)
        throw failure('host', `the class exists with another ${resource} schema`, `${FROM}.${name}`)
  }
}

/** Parses `L3:0=7f0;1=1f`; the kernel may print blanks and leading zeros. */
function parseSchema(line: string): [string, Map<string, string>] {
  const [resource = '', rest = ''] = line.trim().split(':')
  const domains = rest.split(';').map((part): [string, string] => {
    const [domain = '', value = ''] = part.split('=')
    return [
      domain.trim(),
      value
        .trim()
        .toLowerCase()
        .replace(/^0+(?=.)/, ''),
    ]
  })
  return [resource.trim(), new Map(domains)]
}

const failure = (code: 'host', message: string, path = FROM): RuntError =>
  new RuntError(code, `${path}: ${message}`, { path })
