/**
 * The effective device rules of a container (config-linux.md, Allowed Device list): deny everything, then the config's
 * rules in order, then the devices that every container has. Shared by v1 (writes) and v2 (a program).
 */

import type { DeviceRule } from '../config/config.ts'

/** One rule with all defaults filled in. */
export interface FullRule {
  readonly allow: boolean
  readonly type: 'a' | 'b' | 'c'
  /** An absent number matches all. */
  readonly major: number | undefined
  readonly minor: number | undefined
  /** Type and numbers as cgroup v1 writes them, `c 1:*`. */
  readonly device: string
  /** Bits: see RIGHTS. */
  readonly rights: number
  readonly from: string
}

/** The bits of the access rights in linux/bpf.h (BPF_DEVCG_ACC_*). */
export const RIGHTS = { m: 1, r: 2, w: 4 }
export const ALL_RIGHTS = 7
/** Rights as text, indexed by their bits, with the letters in the order of devices.list. */
export const RIGHTS_TEXT = ['', 'm', 'r', 'rm', 'w', 'wm', 'rw', 'rwm'] as const

const DEFAULT_FROM = 'linux.resources.devices (default devices)'

/**
 * What runc allows every container: creating any node (a node alone gives no access), the default devices of
 * config-linux.md, pseudo terminals, and /dev/net/tun, which callers rely on (runc pull request 3468).
 */
const DEFAULT_RULES: readonly FullRule[] = [
  defaultRule('c', undefined, undefined, RIGHTS.m, 'c *:*'),
  defaultRule('b', undefined, undefined, RIGHTS.m, 'b *:*'),
  defaultRule('c', 1, 3, ALL_RIGHTS, 'c 1:3'), // null
  defaultRule('c', 1, 8, ALL_RIGHTS, 'c 1:8'), // random
  defaultRule('c', 1, 7, ALL_RIGHTS, 'c 1:7'), // full
  defaultRule('c', 5, 0, ALL_RIGHTS, 'c 5:0'), // tty
  defaultRule('c', 1, 5, ALL_RIGHTS, 'c 1:5'), // zero
  defaultRule('c', 1, 9, ALL_RIGHTS, 'c 1:9'), // urandom
  defaultRule('c', 136, undefined, ALL_RIGHTS, 'c 136:*'), // pts/*
  defaultRule('c', 5, 2, ALL_RIGHTS, 'c 5:2'), // ptmx
  defaultRule('c', 10, 200, ALL_RIGHTS, 'c 10:200'), // net/tun
]

/** The rules of `spec` and of engines that list no others: deny every access to every device. */
export const PLAIN_DEVICES: readonly DeviceRule[] = [{ allow: false, access: 'rwm' }]

/** Whether the rules are equivalent to those. */
export function isPlain(devices: readonly DeviceRule[]): boolean {
  const [rule] = devices
  if (devices.length !== 1 || rule === undefined || rule.allow) return false
  const { type = 'a', major, minor, access = 'rwm' } = rule
  return type === 'a' && major === undefined && minor === undefined && access === 'rwm'
}

/** The config's rules with their defaults filled in, and the default devices after them. */
export function deviceRules(devices: readonly DeviceRule[]): FullRule[] {
  const rules: FullRule[] = []
  for (let i = 0; i < devices.length; i++) addRule(rules, devices[i] as DeviceRule, `linux.resources.devices[${i}]`)
  rules.push(...DEFAULT_RULES)
  return rules
}

/** Whether a rule applies to every access to every device, and so discards earlier rules. */
export function isReset(rule: FullRule): boolean {
  return rule.type === 'a'
}

/** Whether a rule is not from the config. */
export function isDefault(rule: FullRule): boolean {
  return rule.from === DEFAULT_FROM
}

/**
 * Type `a` is kept only if the rule matches every access to every device. With numbers or fewer letters it is expanded
 * to both types: cgroup v1 itself, and runc with it, would treat `a 1:3 r` as a rule about everything.
 */
function addRule(rules: FullRule[], { allow, type = 'a', major, minor, access }: DeviceRule, from: string): void {
  const numbers = { major: known(major), minor: known(minor) }
  const rights = parseRights(access)
  const isNarrow = rights !== ALL_RIGHTS || numbers.major !== undefined || numbers.minor !== undefined
  for (const one of type === 'a' && isNarrow ? (['b', 'c'] as const) : [type]) {
    const device = `${one} ${numbers.major ?? '*'}:${numbers.minor ?? '*'}`
    rules.push({ allow, type: one, ...numbers, device, rights, from })
  }
}

/** An absent access means all rights. */
function parseRights(access: string | undefined): number {
  if (access === undefined) return ALL_RIGHTS
  return (access.includes('m') ? 1 : 0) | (access.includes('r') ? 2 : 0) | (access.includes('w') ? 4 : 0)
}

/** Engines write -1 for "all". The kernel's numbers have 32 bits at most. */
function known(number: bigint | undefined): number | undefined {
  return number === undefined || number < 0n ? undefined : Number(number)
}

function defaultRule(
  type: 'b' | 'c',
  major: number | undefined,
  minor: number | undefined,
  rights: number,
  device: string,
): FullRule {
  return { allow: true, type, major, minor, device, rights, from: DEFAULT_FROM }
}
