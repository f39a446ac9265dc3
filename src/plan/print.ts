// Prints a plan for people (`runt plan`): one step a line, grouped by the property that caused it, with the names of
// flags and slots. Also its JSON form.

import { stringify } from '../config/json.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { stepTable } from '../steps/step-table.ts'
import { constantName, hexText, valueText } from './print-values.ts'

export interface View {
  /** Environments often have passwords: without --show-env only the names are printed. */
  readonly showEnv: boolean
  /** Whether a step's property is in the config, or a default of runt's. */
  readonly isGiven?: ((from: string) => boolean) | undefined
}

const hidden: View = { showEnv: false }

/** `PATH=…` for each variable. */
const namesOnly = (env: readonly string[]): readonly string[] => env.map((entry) => `${entry.split('=', 1)[0]}=…`)

/** `openat2 at={root} path="proc" … -> {target /proc}` */
export function printStep(step: Step, slots: readonly string[], { showEnv }: View = hidden): string {
  const fields: Readonly<Record<string, string>> = stepTable[step.op]
  const values = step as unknown as Readonly<Record<string, unknown>>
  const parts: string[] = [step.op]
  const filled: string[] = []
  for (const name in fields) {
    const value = values[name]
    const [type = '', ...hint] = fields[name]?.split(' ') ?? []
    if (value === undefined || (value === 0 && type === 'int?')) continue
    if (type === 'into' || type === 'into?') filled.push(`{${slots[value as number]}}`)
    else if (type === 'slot' || type === 'slot?') parts.push(`${name}={${slots[value as number]}}`)
    else if (type === 'slots')
      parts.push(`${name}=[${(value as number[]).map((slot) => `{${slots[slot]}}`).join(' ')}]`)
    else if (name === 'env' && !showEnv) parts.push(`env=${valueText(namesOnly(value as readonly string[]))}`)
    else parts.push(`${name}=${valueText(value, hint)}`)
  }
  if (step.tolerate !== undefined)
    parts.push(`tolerate=${step.tolerate.map((errno) => constantName(errno, ['E*'])).join(',')}`)
  return filled.length === 0 ? parts.join(' ') : `${parts.join(' ')} -> ${filled.join(' ')}`
}

/** The property that steps are grouped by: all options of a mount are one. */
const propertyOf = ({ op, from }: Step): string =>
  op === 'fsconfig' ? from.replace(/\.options\[\d+\](?= \()/, '') : from

/** As it is printed: `default: …` if the config does not have it. */
export function propertyText(step: Step, view: View): string {
  const from = propertyOf(step)
  return view.isGiven?.(from) === false ? `default: ${from}` : from
}

function* listParts(title: string, steps: readonly Step[], slots: readonly string[], view: View): Generator<string> {
  let last = ''
  yield `${title} (${steps.length} steps)\n`
  for (const [index, step] of steps.entries()) {
    const property = propertyText(step, view)
    if (property !== last) yield `  ${property}\n`
    last = property
    yield `    ${String(index).padStart(3)} ${printStep(step, slots, view)}\n`
  }
}

/** The readable form, in parts: a plan may be large, and a caller with little memory prints it bit by bit. */
export function* planParts(
  { slots, runtimeSteps, containerSteps }: LaunchPlan,
  view: View = hidden,
): Generator<string> {
  yield* listParts('runtime', runtimeSteps, slots, view)
  yield '\n'
  yield* listParts('container', containerSteps, slots, view)
}

export const printPlan = (plan: LaunchPlan, view?: View): string => [...planParts(plan, view)].join('')

function plainStep(step: Step, slots: readonly string[], view: View): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(step)) copy[name] = value instanceof Uint8Array ? hexText(value) : value
  if ('env' in step && !view.showEnv) copy.env = namesOnly(step.env)
  if (view.isGiven?.(step.from) === false) copy.default = true
  copy.text = printStep(step, slots, view)
  return copy
}

/**
 * The JSON form (docs/plan.schema.json), in parts: the plan as it is, byte strings in hexadecimal, and each step's readable
 * form.
 */
export function* planJsonParts(
  { slots, runtimeSteps, containerSteps }: LaunchPlan,
  view: View = hidden,
): Generator<string> {
  yield `{"slots":${stringify(slots)}`
  for (const [name, steps] of Object.entries({ runtimeSteps, containerSteps })) {
    yield `,\n"${name}":[`
    for (const [i, step] of steps.entries()) yield `${i === 0 ? '\n' : ',\n'}${stringify(plainStep(step, slots, view))}`
    yield '\n]'
  }
  yield '}\n'
}

export const planJson = (plan: LaunchPlan, view?: View): string => [...planJsonParts(plan, view)].join('')
