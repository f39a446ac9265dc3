// Prints a plan for people (`runt plan`): one step a line, grouped by the property that caused it, with the names of
// flags and slots. Also its JSON form.

import { stringify } from '../config/json.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { stepTable } from '../steps/step-table.ts'
import { constantName, valueText } from './print-values.ts'

/** `openat2 at={root} path="proc" … -> {target /proc}` */
export function printStep(step: Step, slots: readonly string[]): string {
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
    else parts.push(`${name}=${valueText(value, hint)}`)
  }
  if (step.tolerate !== undefined)
    parts.push(`tolerate=${step.tolerate.map((errno) => constantName(errno, ['E*'])).join(',')}`)
  return filled.length === 0 ? parts.join(' ') : `${parts.join(' ')} -> ${filled.join(' ')}`
}

function printList(title: string, steps: readonly Step[], slots: readonly string[]): string {
  const lines = [`${title} (${steps.length} steps)`]
  let from = ''
  steps.forEach((step, index) => {
    const property = step.op === 'fsconfig' ? step.from.replace(/\.options\[\d+\](?= \()/, '') : step.from
    if (property !== from) lines.push(`  ${property}`)
    from = property
    lines.push(`    ${String(index).padStart(3)} ${printStep(step, slots)}`)
  })
  return lines.join('\n')
}

/** The readable form. */
export const printPlan = (plan: LaunchPlan): string =>
  `${printList('runtime', plan.runtimeSteps, plan.slots)}\n\n${printList('container', plan.containerSteps, plan.slots)}\n`

/** The JSON form: the plan as it is, byte strings in hexadecimal. */
export function planJson(plan: LaunchPlan): string {
  const plain = (step: Step): Record<string, unknown> => {
    const copy: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(step))
      copy[name] =
        value instanceof Uint8Array ? [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('') : value
    return copy
  }
  const { slots, runtimeSteps, containerSteps } = plan
  return stringify({ slots, runtimeSteps: runtimeSteps.map(plain), containerSteps: containerSteps.map(plain) }, '  ')
}
