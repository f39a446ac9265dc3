// Prints a plan for people (`runt plan`): one step a line, grouped by the property that caused it, with the names of
// flags and slots. Also its JSON form.

import { stringify } from '../config/json.ts'
import * as constants from '../steps/constants.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import * as protocol from '../steps/protocol.ts'
import { stepTable } from '../steps/step-table.ts'

const known = Object.entries<unknown>({ ...constants, ...protocol }).filter(
  (entry): entry is [string, number] => typeof entry[1] === 'number',
)
const matching = new Map<string, readonly (readonly [string, number])[]>()

/** The constants that match a pattern of the step table: a name, or a prefix with a star. */
function named(pattern: string): readonly (readonly [string, number])[] {
  const found =
    matching.get(pattern) ??
    known.filter(([name]) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
  matching.set(pattern, found)
  return found
}

function flagText(value: number, patterns: readonly string[]): string {
  const names: string[] = []
  let rest = value
  for (const [name, bits] of patterns.flatMap(named)) {
    // A field of several bits, like MOUNT_ATTR__ATIME, is printed by the names of its values.
    if (bits === 0 || (bits & (bits - 1)) !== 0 || (rest & bits) === 0) continue
    names.push(name)
    rest &= ~bits
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.length === 0 ? '0' : names.join('|')
}

/** Formats an int as the step table says: flags, one constant, or octal. */
function intText(value: number | bigint, hint: readonly string[]): string {
  if (hint.length === 0 || typeof value === 'bigint') return String(value)
  if (hint[0] === 'octal') return `0${value.toString(8)}`
  if (hint[0] !== '=') return flagText(value, hint)
  return hint.flatMap(named).find(([, constant]) => constant === value)?.[0] ?? String(value)
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return `<${value.length} bytes>`
  if (Array.isArray(value))
    return `[${value.map((item) => (typeof item === 'string' ? JSON.stringify(item) : String(item))).join(' ')}]`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

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
    else if (type === 'int' || type === 'int?') parts.push(`${name}=${intText(value as number | bigint, hint)}`)
    else parts.push(`${name}=${valueText(value)}`)
  }
  if (step.tolerate !== undefined) parts.push(`tolerate=${step.tolerate.join(',')}`)
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
