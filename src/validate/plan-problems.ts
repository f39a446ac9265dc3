// Problems that planning finds. It stops at the first one; so what that is about is left out, and planning tried again.

import type { Config } from '../config/config.ts'
import { noResources } from '../config/no-resources.ts'
import { quote } from '../config/rule.ts'
import { type Problem, RuntError } from '../errors.ts'
import type { PlanOptions } from '../plan/context.ts'
import type { HostFacts } from '../plan/host-facts.ts'
import { type CreatePlan, planCreate } from '../plan/plan.ts'
import { propertyOf } from './check.ts'

export interface Planned {
  /** Of the whole config; undefined if there is a problem. */
  readonly planned: CreatePlan | undefined
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

const MOST_TRIES = 50

/** A host on which everything can be planned, for checks that must not look at this one. */
export const anyHost = (arch: HostFacts['arch']): HostFacts => ({
  arch,
  euid: 0,
  egid: 0,
  boundingSet: (1n << 63n) - 1n,
  cgroups: { mode: 'v2', hierarchies: [] },
  apparmor: true,
  selinux: true,
  inUserNamespace: false,
  ownsMounts: true,
})

export const anyOptions = (id: string, bundle: string): PlanOptions => ({
  id,
  bundle,
  stateDirectory: `/run/runt/${id}`,
  claims: '/run/runt.lock',
  mode: 'run',
  rootSwitch: 'pivot_root',
  keyring: 'new',
  preserveFds: [],
  withoutCgroups: true,
})

export function planProblems(config: Config, facts: HostFacts, options: PlanOptions): Planned {
  const problems: Problem[] = []
  let rest = config
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      const planned = planCreate(rest, facts, options)
      const warnings = planned.warnings.map(toProblem)
      return { planned: rest === config ? planned : undefined, problems, warnings }
    } catch (error) {
      if (!(error instanceof RuntError) || error.code === 'usage' || error.code === 'internal') throw error
      const found = error.problems ?? [problemOf(error)]
      problems.push(...found)
      const smaller = found.reduce((smaller, { path }) => without(smaller, path), rest)
      if (smaller === rest) break
      rest = smaller
    }
  }
  return { planned: undefined, problems, warnings: [] }
}

/** The message of an error begins with its property: `root.path (/x): …`. */
export function problemOf({ message, path = '' }: RuntError): Problem {
  const problem = toProblem(message)
  return problem.path === '' ? { path: propertyOf(path), message } : problem
}

const AMBIENT = "can't raise ambient capability"

/** Warnings are text that begins with a property: `mounts[3] (tmpfs at /x): …`. */
function toProblem(text: string): Problem {
  if (text.startsWith(AMBIENT)) return { path: 'process.capabilities.ambient', message: text }
  const [, path, object, message = ''] = /^(\w[\w.[\]"/-]*)(?: \(([^)]*)\))?: (.*)$/s.exec(text) ?? []
  if (path === undefined || !SECTIONS.test(path)) return { path: '', message: text }
  return { path, message: path === 'root.path' ? `${quote(object ?? '')}: ${message}` : message }
}

const SECTIONS = /^(?:root|process|mounts|hooks|linux|annotations|hostname|domainname)\b/

/** A copy without a property. Of an entry of a list its neighbours keep their places: it becomes a harmless one. */
function without(config: Config, path: string): Config {
  const [top, second] = path.split(/[.[\]]+/)
  if (top === 'mounts') {
    const harmless = { type: 'tmpfs', source: 'tmpfs', options: [], uidMappings: [], gidMappings: [] }
    const mounts = config.mounts.map((mount, i) => (`${i}` === second ? { ...harmless, destination: '/none' } : mount))
    return `${second}` in config.mounts ? { ...config, mounts } : config
  }
  if ((top !== 'process' && top !== 'linux') || second === undefined) return config
  return second in (config[top] ?? {}) ? { ...config, [top]: withEmpty(config[top] as object, second) } : config
}

function withEmpty(object: object, key: string): object {
  const value = (object as Record<string, unknown>)[key]
  return { ...object, [key]: Array.isArray(value) ? [] : key === 'resources' ? noResources : undefined }
}
