/**
 * The device rules a container really gets (config-linux.md, Allowed Device list): nothing is allowed at first, then the
 * config's rules in their order, then the devices that every container has. Shared by v1 (writes) and v2 (a program).
 */

import type { DeviceRule, Resources } from '../config/config.ts'

/** One rule with everything spelled out; `undefined` numbers stand for all. */
export interface FullRule {
  readonly allow: boolean
  readonly type: 'a' | 'b' | 'c'
  readonly major: bigint | undefined
  readonly minor: bigint | undefined
  /** The letters in the order `rwm`. */
  readonly access: string
  readonly from: string
}

const DEFAULT_FROM = 'linux.resources.devices (default devices)'

/**
 * What runc allows every container: making any node (a node alone gives no access), the default devices of
 * config-linux.md, pseudo terminals, and /dev/net/tun, which callers have come to rely on (runc pull request 3468).
 */
const DEFAULT_RULES: readonly FullRule[] = [
  defaultRule('c', undefined, undefined, 'm'),
  defaultRule('b', undefined, undefined, 'm'),
  defaultRule('c', 1n, 3n, 'rwm'), // null
  defaultRule('c', 1n, 8n, 'rwm'), // random
  defaultRule('c', 1n, 7n, 'rwm'), // full
  defaultRule('c', 5n, 0n, 'rwm'), // tty
  defaultRule('c', 1n, 5n, 'rwm'), // zero
  defaultRule('c', 1n, 9n, 'rwm'), // urandom
  defaultRule('c', 136n, undefined, 'rwm'), // pts/*
  defaultRule('c', 5n, 2n, 'rwm'), // ptmx
  defaultRule('c', 10n, 200n, 'rwm'), // net/tun
]

/** The config's rules with their defaults filled in, and the default devices after them. */
export function deviceRules(resources: Resources): FullRule[] {
  return [...resources.devices.flatMap(fullRules), ...DEFAULT_RULES]
}

/**
 * Type `a` is left only where it means every access to every device, which starts the list anew. With numbers or fewer
 * letters it is spelled out for both types: cgroup v1 itself, and runc with it, would take `a 1:3 r` for everything.
 */
function fullRules(rule: DeviceRule, index: number): FullRule[] {
  const letters = rule.access ?? 'rwm'
  const access = [...'rwm'].filter((letter) => letters.includes(letter)).join('')
  const type = rule.type ?? 'a'
  const full: FullRule = {
    allow: rule.allow,
    type,
    major: known(rule.major),
    minor: known(rule.minor),
    access,
    from: `linux.resources.devices[${index}]`,
  }
  const isNarrow = access !== 'rwm' || full.major !== undefined || full.minor !== undefined
  return type === 'a' && isNarrow
    ? [
        { ...full, type: 'b' },
        { ...full, type: 'c' },
      ]
    : [full]
}

/** True for a rule about every access to every device. */
export function isReset(rule: FullRule): boolean {
  return rule.type === 'a'
}

/** Engines write -1 for "all". */
function known(number: bigint | undefined): bigint | undefined {
  return number === undefined || number < 0n ? undefined : number
}

function defaultRule(type: 'b' | 'c', major: bigint | undefined, minor: bigint | undefined, access: string): FullRule {
  return { allow: true, type, major, minor, access, from: DEFAULT_FROM }
}
