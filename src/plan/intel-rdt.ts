// linux.intelRdt (config-linux.md "IntelRdt"): the container's class of service, one directory of resctrl, which is made or must be as
// the config says, and its monitoring group. The group is entered by the pid of a container that is ready; its children inherit it.

import type { IntelRdt } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { ESRCH } from './constants.ts'
import type { Step } from './launch-plan.ts'

/** What the host has, read only for a container that asks. */
export interface ResctrlFacts {
  /** Absent: no resctrl file system is mounted. */
  readonly mountpoint?: string
  /** The schemata file of the container's class; absent: there is no such class yet. */
  readonly schemata?: string
}

export interface RdtPlan {
  /** Before clone. */
  readonly prepare: readonly Step[]
  /** When init has the pid it ends up with. */
  readonly assign: readonly Step[]
  /** Files that take the pids of further processes. */
  readonly tasks: readonly string[]
  /** What goes with the container, in this order. */
  readonly directories: readonly string[]
}

const FROM = 'linux.intelRdt'
const nothing: RdtPlan = { prepare: [], assign: [], tasks: [], directories: [] }

/** The directory of the class below the mount point. */
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
      // Each line is a write of its own, in the order that the spec demands.
      ...lines.map(([from, line]) => writeLine(from, group, line)),
    ],
    assign: tasks.map((path): Step => ({ op: 'write_pid', from: FROM, path })),
    tasks,
    directories: made.filter((path) => path === monitoring || rdt.closID === undefined).reverse(),
  }
}

/** The class that a container is in, as its record has it. */
export type RdtRecord = Pick<RdtPlan, 'tasks' | 'directories'>

/** What an update wants to know of a container that has no class yet. */
export interface RdtCandidate {
  /** The directory that would be its class, and whether it is there. */
  readonly group: string
  readonly exists: boolean
  /** Its processes. */
  readonly pids: readonly number[]
}

/**
 * Other schemas for a running container (runc-update(8)): for the class that it is in, or for a new one with its name into which
 * all of its processes move.
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
      // One that ends meanwhile is none any more.
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

/** A class that exists must have the two schemas that the config says, domain by domain. */
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

/** `L3:0=7f0;1=1f`, with blanks and leading zeros as the kernel pleases. */
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
