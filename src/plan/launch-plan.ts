// The launch plan as data: what a Step is, and the two lists. Derived from step-table.ts; see there for what each
// operation does. This file decides nothing.

import { type Op, stepTable } from './step-table.ts'

type Table = typeof stepTable
type Int = number | bigint
type Value<T> = T extends `${infer Base}?`
  ? Value<Base>
  : T extends 'slot' | 'into'
    ? number
    : T extends 'int'
      ? Int
      : T extends 'string'
        ? string
        : T extends 'strings'
          ? readonly string[]
          : T extends 'ints'
            ? readonly Int[]
            : T extends 'bytes'
              ? Uint8Array
              : never
type OptionalKeys<F> = { [K in keyof F]: F[K] extends `${string}?` ? K : never }[keyof F]
type Fields<F> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Value<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: Value<F[K]> | undefined
}

/** One kernel action. `from` is the config property that caused it, in the notation of the OCI documents
 * (`mounts[3] (proc at /proc)`); it begins every error of the step. */
export type StepOf<O extends Op> = {
  readonly op: O
  readonly from: string
  readonly tolerate?: readonly number[]
} & Fields<Table[O]>
export type Step = { [O in Op]: StepOf<O> }[Op]

/** A whole launch. `slots[i]` is the name of descriptor slot i, for people; slot 0 is init's end of the sync socket. */
export interface LaunchPlan {
  readonly slots: readonly string[]
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
}

export const SLOT_SYNC = 0

/** What openat2 does when the path does not exist. */
export const ON_MISSING_FAIL = 0
export const ON_MISSING_SKIP = 1
export const ON_MISSING_MKDIR = 2
export const ON_MISSING_CREATE = 3
export const ON_MISSING_LIKE = 4

/** The points of sync_send and sync_wait, in the order in which a launch passes them. */
export const SYNC_CGROUPS = 1 // systemd has put init into its cgroups
export const SYNC_USERNS = 2 // init has its user namespace: the runtime may write the mappings
export const SYNC_MAPPED = 3 // the mappings are written
export const SYNC_NAMESPACES = 4 // all namespaces exist: devices may be moved, prestart and createRuntime hooks run
export const SYNC_HOOKED = 5 // they have run
export const SYNC_LISTENER = 6 // the filter is loaded; its listener comes along
export const SYNC_READY = 7 // everything but the start is done
export const SYNC_RECORDED = 8 // state.json is written: the container may live without its runtime

/** The fields of each operation that read a slot or fill one: looked up once, for a plan has hundreds of steps. */
const fieldsOf = (kind: 'slot' | 'into'): Readonly<Record<Op, readonly string[]>> => {
  const result = {} as Record<Op, string[]>
  for (const [op, fields] of Object.entries(stepTable))
    result[op as Op] = Object.entries(fields).flatMap(([name, type]) =>
      type === kind || type === `${kind}?` ? [name] : [],
    )
  return result
}
const slotFields = { slot: fieldsOf('slot'), into: fieldsOf('into') }

/** The slots that any of the steps reads ('slot') or fills ('into'), in the order of their first use. */
export function slotsOf(steps: readonly Step[], kind: 'slot' | 'into'): number[] {
  const slots = new Set<number>()
  const fields = slotFields[kind]
  for (const step of steps) {
    for (const name of fields[step.op]) {
      const slot = (step as unknown as Readonly<Record<string, number | undefined>>)[name]
      if (slot !== undefined) slots.add(slot)
    }
  }
  return [...slots]
}

/** Gives the slots that a step reads or closes, where they have the mark `from`, the mark `to`; how many they were. */
export function markSlots(step: Step, marks: Uint8Array, from: number, to: number): number {
  let count = 0
  for (const name of slotFields.slot[step.op]) {
    const slot = (step as unknown as Readonly<Record<string, number | undefined>>)[name]
    if (slot === undefined || marks[slot] !== from) continue
    marks[slot] = to
    count++
  }
  if (step.op !== 'close') return count
  for (const slot of step.slots as readonly number[]) {
    if (marks[slot] !== from) continue
    marks[slot] = to
    count++
  }
  return count
}
