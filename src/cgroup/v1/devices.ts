/**
 * cgroup v1 devices controller (kernel Documentation/admin-guide/cgroup-v1/devices.rst). The kernel keeps a default and a
 * list of exceptions to it; here that list is computed first, so that only what differs in the end is written, in the
 * order of the config. A rule that the kernel would silently ignore is a problem.
 */

import type { Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { deviceRules, type FullRule, isReset } from '../device-rules.ts'
import type { Write } from '../write.ts'

export interface DeviceList {
  readonly allowByDefault: boolean
  /** Exceptions to the default, by type and numbers, in order of their first rule. */
  readonly exceptions: ReadonlyMap<string, FullRule>
  readonly from: string
}

/** For a new cgroup, which has its parent's list, of which nothing is known here: the default is always written. */
export function devicesWrites(resources: Resources, problems: Problem[]): Write[] {
  const list = finalList(deviceRules(resources), problems)
  const reset: Write = { file: list.allowByDefault ? 'devices.allow' : 'devices.deny', data: 'a', from: list.from }
  const file = list.allowByDefault ? 'devices.deny' : 'devices.allow'
  const exceptions = [...list.exceptions.values()].map((rule) => ({ file, data: ruleLine(rule), from: rule.from }))
  return [reset, ...exceptions]
}

/**
 * For a cgroup in use, `text` being its devices.list: only the differences, so that nobody is refused a device in between
 * that is allowed before and after.
 */
export function devicesTransition(resources: Resources, text: string, problems: Problem[]): Write[] {
  const target = finalList(deviceRules(resources), problems)
  const current = text.split('\n').filter((line) => line !== '')
  // A list that allows by default does not show its exceptions.
  const isComparable = !target.allowByDefault && !current.some((line) => line.startsWith('a'))
  if (!isComparable) return devicesWrites(resources, [])
  const wanted = [...target.exceptions.values()].map((rule) => ({ data: ruleLine(rule), from: rule.from }))
  const from = 'linux.resources.devices'
  return [
    ...wanted.filter(({ data }) => !current.includes(data)).map((rule): Write => ({ file: 'devices.allow', ...rule })),
    ...current.flatMap((line) => surplus(line, target)).map((data): Write => ({ file: 'devices.deny', data, from })),
  ]
}

/** What of a line of devices.list the target does not have, as a rule to deny; the same numbers with fewer letters. */
function surplus(line: string, target: DeviceList): string[] {
  const blank = line.lastIndexOf(' ')
  const kept = target.exceptions.get(line.slice(0, blank))?.access ?? ''
  const access = [...line.slice(blank + 1)].filter((letter) => !kept.includes(letter)).join('')
  return access === '' ? [] : [`${line.slice(0, blank)} ${access}`]
}

export function finalList(rules: readonly FullRule[], problems: Problem[]): DeviceList {
  let allowByDefault = false
  let from = 'linux.resources.devices'
  const exceptions = new Map<string, FullRule>()
  for (const rule of rules) {
    if (isReset(rule)) {
      allowByDefault = rule.allow
      from = rule.from
      exceptions.clear()
    } else if (rule.allow === allowByDefault) {
      checkHole(rule, exceptions, problems)
      without(rule, exceptions)
    } else {
      merge(rule, exceptions)
    }
  }
  return { allowByDefault, exceptions, from }
}

/** The kernel joins exceptions for the same numbers; one that a wider exception already covers changes nothing. */
function merge(rule: FullRule, exceptions: Map<string, FullRule>): void {
  const known = exceptions.get(key(rule))
  if (known !== undefined) exceptions.set(key(rule), { ...known, access: union(known.access, rule.access) })
  else if (!wider(rule).some((wide) => covers(exceptions.get(wide)?.access ?? '', rule.access)))
    exceptions.set(key(rule), rule)
}

function without(rule: FullRule, exceptions: Map<string, FullRule>): void {
  const known = exceptions.get(key(rule))
  if (known === undefined) return
  const access = [...known.access].filter((letter) => !rule.access.includes(letter)).join('')
  if (access === '') exceptions.delete(key(rule))
  else exceptions.set(key(rule), { ...known, access })
}

/** The kernel takes exceptions back only for exactly the numbers they were given for, and says nothing otherwise. */
function checkHole(rule: FullRule, exceptions: ReadonlyMap<string, FullRule>, problems: Problem[]): void {
  const hole = wider(rule)
    .map((wide) => exceptions.get(wide))
    .find((wide) => wide !== undefined && [...rule.access].some((letter) => wide.access.includes(letter)))
  // Allowing a default device where a wider rule denies it (`deny c *:*` after `allow a`) was not asked for by the config.
  if (hole === undefined || rule.from.includes('default')) return
  const message = `cgroup v1 cannot make an exception (${ruleLine(rule)}) to a wider rule (${ruleLine(hole)})`
  problems.push({ path: rule.from, message })
}

function wider({ type, major, minor }: FullRule): string[] {
  const own = numbers(major, minor)
  return [numbers(undefined, minor), numbers(major, undefined), numbers(undefined, undefined)]
    .filter((other) => other !== own)
    .map((other) => `${type} ${other}`)
}

function key({ type, major, minor }: FullRule): string {
  return `${type} ${numbers(major, minor)}`
}

function numbers(major: bigint | undefined, minor: bigint | undefined): string {
  return `${major ?? '*'}:${minor ?? '*'}`
}

function ruleLine(rule: FullRule): string {
  return `${key(rule)} ${rule.access}`
}

function union(one: string, other: string): string {
  return [...'rwm'].filter((letter) => one.includes(letter) || other.includes(letter)).join('')
}

function covers(wide: string, narrow: string): boolean {
  return [...narrow].every((letter) => wide.includes(letter))
}
