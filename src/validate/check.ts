// What the checks of `validate` get, and how they report.

import type { Config } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import type { Report } from '../config/rule.ts'
import type { Native } from '../native.ts'
import type { HostFacts } from '../plan/host-facts.ts'
import type { CreatePlan } from '../plan/plan.ts'

/** A check that needs only the config. */
export interface ConfigContext {
  readonly config: Config
  /** For what makes `run` fail. */
  readonly report: Report
  /** For what `run` ignores. */
  readonly warn: Report
}

export type ConfigCheck = (context: ConfigContext) => void

/** A check that looks at this machine, and changes nothing. */
export interface HostContext extends ConfigContext {
  readonly native: Native
  readonly facts: HostFacts
  /** The directory of the bundle, if it is known. */
  readonly bundle: string | undefined
  /** The root file system, if it exists. */
  readonly rootfs: string | undefined
  /** The names of each mount's place in the root file system. */
  readonly points: readonly (readonly string[])[]
  /** undefined if a part of the config cannot be planned. */
  readonly planned: CreatePlan | undefined
  /** Effective capabilities of the caller; bit n is capability n. */
  readonly capabilities: bigint
}

export type HostCheck = (context: HostContext) => void

/** A row of a table: the property of the config that the check is about, and the check. */
export type Row<C> = readonly [property: string, check: C]

const [CAP_SYS_ADMIN, CAP_SYS_RESOURCE] = [21n, 24n]

const has = ({ capabilities }: HostContext, capability: bigint): boolean => ((capabilities >> capability) & 1n) === 1n

/** Whether the container has a new user namespace. */
export const makesUserNamespace = ({ linux }: Config): boolean =>
  linux.namespaces.some(({ type, path }) => type === 'user' && path === undefined)

export const mayRaiseLimits = (context: HostContext): boolean =>
  has(context, CAP_SYS_RESOURCE) && !context.facts.inUserNamespace

export const mayMount = (context: HostContext): boolean => has(context, CAP_SYS_ADMIN)

/** fsopen(2) as init will call it. */
export const mayMountAsInit = (context: HostContext): boolean =>
  mayMount(context) && context.facts.ownsMounts && !hasNamespace(context.config.linux, 'user')

/** The property that a step is from: `mounts[3].options[1]` of `mounts[3].options[1] (tmpfs at /x)`. */
export const propertyOf = (from: string): string => from.replace(/ \(.*/s, '')

/** Of an open file. Its name may lead elsewhere by now: then the answer is wrong, but nothing is opened. */
export function kindOf(native: Native, fd: string): string | undefined {
  return native.status(native.realpath(fd))?.kind
}
