// The types of a launch plan: Step, and the two lists of steps. Derived from step-table.ts, which says what each
// operation does.

import type { DeniedCall } from 'seccomp-bpf-js'
import { type Op, stepTable } from './step-table.ts'

export * from './protocol.ts'

type Table = typeof stepTable
type Int = number | bigint
type Value<T> = T extends `${infer Base} ${string}` | `${infer Base}?`
  ? Value<Base>
  : T extends 'slot' | 'into'
    ? number
    : T extends 'slots'
      ? readonly number[]
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
type OptionalKeys<F> = { [K in keyof F]: F[K] extends `${string}?` | `${string}? ${string}` ? K : never }[keyof F]
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

/**
 * A whole launch. `slots[i]` is the name of descriptor slot i, for printing; slot 0 is init's end of the sync socket.
 */
export interface LaunchPlan {
  readonly slots: readonly string[]
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  /** Calls that init needs and the seccomp filter denies: the launch will fail. Absent: none. */
  readonly denied?: readonly DeniedCall[]
}

/** The slot fields of each operation: computed once, because a plan has hundreds of steps. */
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

/** Changes the mark of each slot that a step reads or closes from `from` to `to`. Returns how many were changed. */
export function markSlots(step: Step, marks: Uint8Array, from: number, to: number): number {
  let count = 0
  for (const name of slotFields.slot[step.op]) {
    const slot = (step as unknown as Readonly<Record<string, number | undefined>>)[name]
    if (slot === undefined || marks[slot] !== from) continue
    marks[slot] = to
    count++
  }
  if (step.op !== 'close') return count
  for (const slot of step.slots) {
    if (marks[slot] !== from) continue
    marks[slot] = to
    count++
  }
  return count
}
