// A plan for people (`runt plan`): one step a line, grouped by the property that caused it, flags by their names, slots by
// theirs. Also its JSON form. Decides only how it looks.

import { stringify } from '../config/json.ts'
import * as constants from './constants.ts'
import {
  type LaunchPlan,
  type Step,
  SYNC_CGROUPS,
  SYNC_HOOKED,
  SYNC_LISTENER,
  SYNC_MAPPED,
  SYNC_NAMESPACES,
  SYNC_READY,
  SYNC_RECORDED,
  SYNC_USERNS,
} from './launch-plan.ts'
import { stepTable } from './step-table.ts'

type Names = readonly (readonly [string, number])[]
const namesOf = new Map<string, Names>()

/** Constants whose names begin so and that are single bits. */
function named(prefix: string): Names {
  const known = namesOf.get(prefix)
  if (known !== undefined) return known
  const names = Object.entries(constants).filter(
    (entry): entry is [string, number] =>
      entry[0].startsWith(prefix) &&
      typeof entry[1] === 'number' &&
      entry[1] !== 0 &&
      (entry[1] & (entry[1] - 1)) === 0,
  )
  namesOf.set(prefix, names)
  return names
}

/** Which names a field's bits have, by operation and field. */
const flagPrefixes: Readonly<Record<string, readonly string[]>> = {
  'openat2.flags': ['O_'],
  'openat2.resolve': ['RESOLVE_'],
  'write_file.resolve': ['RESOLVE_'],
  'open_tree.flags': ['OPEN_TREE_CLONE', 'AT_', 'O_CLOEXEC'],
  'mount_setattr.flags': ['AT_'],
  'mount_setattr.set': ['MOUNT_ATTR_'],
  'mount_setattr.clear': ['MOUNT_ATTR_'],
  'mount_setattr.propagation': ['MS_'],
  'fsmount.attributes': ['MOUNT_ATTR_'],
  'mount.flags': ['MS_'],
  'umount2.flags': ['MNT_'],
  'clone.flags': ['CLONE_'],
  'unshare.flags': ['CLONE_'],
  'setns.nstype': ['CLONE_'],
  'prctl.option': [],
}
const octal = new Set(['mode'])
const syncNames: Readonly<Record<number, string>> = {
  [SYNC_CGROUPS]: 'in its cgroups',
  [SYNC_USERNS]: 'user namespace made',
  [SYNC_MAPPED]: 'mappings written',
  [SYNC_NAMESPACES]: 'namespaces made',
  [SYNC_HOOKED]: 'hooks have run',
  [SYNC_LISTENER]: 'listener made',
  [SYNC_READY]: 'ready',
  [SYNC_RECORDED]: 'state recorded',
}
const onMissingNames = ['fail', 'skip', 'mkdir', 'create', 'like']
const prctlNames: Readonly<Record<number, string>> = {
  4: 'PR_SET_DUMPABLE',
  8: 'PR_SET_KEEPCAPS',
  38: 'PR_SET_NO_NEW_PRIVS',
}
const fsconfigNames: Readonly<Record<number, string>> = { 0: 'SET_FLAG', 1: 'SET_STRING', 5: 'SET_FD', 6: 'CMD_CREATE' }

function flagText(value: number, prefixes: readonly string[]): string {
  const names: string[] = []
  let rest = value
  for (const [name, bits] of prefixes.flatMap(named)) {
    if ((rest & bits) !== bits) continue
    names.push(name)
    rest &= ~bits
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.length === 0 ? '0' : names.join('|')
}

function valueText(op: string, field: string, value: unknown): string {
  const prefixes = flagPrefixes[`${op}.${field}`]
  if (field === 'point') return syncNames[value as number] ?? String(value)
  if (field === 'onMissing') return onMissingNames[value as number] ?? String(value)
  if (op === 'prctl' && field === 'option') return prctlNames[value as number] ?? String(value)
  if (op === 'fsconfig' && field === 'command') return fsconfigNames[value as number] ?? String(value)
  if (prefixes !== undefined && typeof value === 'number') return flagText(value, prefixes)
  if (octal.has(field) && op !== 'set_mempolicy' && typeof value === 'number') return `0${value.toString(8)}`
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
    if (value === undefined || (value === 0 && fields[name] === 'int?')) continue
    const type = fields[name] ?? ''
    if (type.startsWith('into')) filled.push(`{${slots[value as number]}}`)
    else if (type.startsWith('slot')) parts.push(`${name}={${slots[value as number]}}`)
    else if (name === 'inherit' || name === 'slots' || name === 'keep')
      parts.push(`${name}=[${(value as number[]).map((slot) => `{${slots[slot]}}`).join(' ')}]`)
    else parts.push(`${name}=${valueText(step.op, name, value)}`)
  }
  if (step.tolerate !== undefined) parts.push(`tolerate=${step.tolerate.join(',')}`)
  return filled.length === 0 ? parts.join(' ') : `${parts.join(' ')} -> ${filled.join(' ')}`
}

function printList(title: string, steps: readonly Step[], slots: readonly string[]): string {
  const lines = [`${title} (${steps.length} steps)`]
  let from = ''
  steps.forEach((step, index) => {
    if (step.from !== from) lines.push(`  ${step.from}`)
    from = step.from
    lines.push(`    ${String(index).padStart(3)} ${printStep(step, slots)}`)
  })
  return lines.join('\n')
}

/** The readable form. */
export const printPlan = (plan: LaunchPlan): string =>
  `${printList('runtime', plan.runtimeSteps, plan.slots)}\n\n${printList('container', plan.containerSteps, plan.slots)}\n`

/** The form for programs: the plan as it is, byte strings in hexadecimal. */
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
