/**
 * Reduces ordered device rules to a default and exceptions to it. This is how cgroup v1 stores them, and all that
 * systemd can express. Exceptions stay in the order of their first rule.
 */

import type { Problem } from '../errors.ts'
import { type FullRule, isDefault, isReset, RIGHTS_TEXT } from './device-rules.ts'

export interface DeviceList {
  readonly allowByDefault: boolean
  /** The rule that set the default. */
  readonly from: string
  readonly exceptions: readonly Exception[]
}

export interface Exception {
  readonly rule: FullRule
  /** The rights of the rule; later rules for the same device add or remove rights. */
  rights: number
}

/** Applies the rules one after the other. A rule that the kernel would silently ignore is a problem. */
export function deviceList(rules: readonly FullRule[], problems: Problem[]): DeviceList {
  let allowByDefault = false
  let from = 'linux.resources.devices'
  const exceptions = new Map<string, Exception>()
  let wide: Exception[] = []
  for (const rule of rules) {
    const known = exceptions.get(rule.device)
    if (isReset(rule)) {
      allowByDefault = rule.allow
      from = rule.from
      exceptions.clear()
      wide = []
    } else if (rule.allow === allowByDefault) {
      checkHole(rule, wide, problems)
      if (known !== undefined) known.rights &= ~rule.rights
    } else if (known !== undefined) {
      known.rights |= rule.rights
    } else if (!wide.some((other) => (other.rights & rule.rights) === rule.rights && includes(other.rule, rule))) {
      const exception = { rule, rights: rule.rights }
      exceptions.set(rule.device, exception)
      if (rule.major === undefined || rule.minor === undefined) wide.push(exception)
    }
  }
  return { allowByDefault, from, exceptions: [...exceptions.values()].filter(({ rights }) => rights !== 0) }
}

/** An exception or a rule as devices.list writes it: `c 1:3 rwm`. */
export function deviceLine(rule: FullRule, rights: number): string {
  return `${rule.device} ${RIGHTS_TEXT[rights]}`
}

/** The kernel removes exceptions only for exactly the numbers they were given for, and otherwise reports no error. */
function checkHole(rule: FullRule, wide: readonly Exception[], problems: Problem[]): void {
  // The config did not ask for a default device that a wider rule denies (`deny c *:*` after `allow a`).
  if (isDefault(rule)) return
  const hole = wide.find((other) => (other.rights & rule.rights) !== 0 && includes(other.rule, rule))
  if (hole === undefined || hole.rule.device === rule.device) return
  const message = `cgroup v1 cannot make an exception (${deviceLine(rule, rule.rights)}) to a wider rule (${deviceLine(hole.rule, hole.rights)})`
  problems.push({ path: rule.from, message })
}

/** Whether every device of `narrow` is one of `wide`. */
function includes(wide: FullRule, narrow: FullRule): boolean {
  return (
    wide.type === narrow.type &&
    (wide.major === undefined || wide.major === narrow.major) &&
    (wide.minor === undefined || wide.minor === narrow.minor)
  )
}
