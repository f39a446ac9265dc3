/**
 * The device rules a container really gets (config-linux.md, Allowed Device list): nothing is allowed at first, then the
 * config's rules in their order, then the devices that every container has. Shared by v1 (writes) and v2 (a program).
 */

import type { DeviceRule } from '../config/config.ts'

/** One rule with everything spelled out. */
export interface FullRule {
  readonly allow: boolean
  readonly type: 'a' | 'b' | 'c'
  /** Absent numbers stand for all. */
  readonly major: number | undefined
  readonly minor: number | undefined
  /** Type and numbers as cgroup v1 writes them, `c 1:*`. */
  readonly device: string
  /** Bits: see RIGHTS. */
  readonly rights: number
  readonly from: string
}

/** The bits that linux/bpf.h gives the access rights (BPF_DEVCG_ACC_*). */
export const RIGHTS = { m: 1, r: 2, w: 4 }
export const ALL_RIGHTS = 7
/** Rights as text, by their bits, in the order in which devices.list has the letters. */
export const RIGHTS_TEXT = ['', 'm', 'r', 'rm', 'w', 'wm', 'rw', 'rwm'] as const

const DEFAULT_FROM = 'linux.resources.devices (default devices)'

/**
 * What runc allows every container: making any node (a node alone gives no access), the default devices of
 * config-linux.md, pseudo terminals, and /dev/net/tun, which callers have come to rely on (runc pull request 3468).
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

/** What `spec` writes, and engines that list nothing else: every access to every device is denied. */
export const PLAIN_DEVICES: readonly DeviceRule[] = [{ allow: false, access: 'rwm' }]

/** True for rules that come to the same as those. */
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

/** True for a rule about every access to every device, which starts the list anew. */
export function isReset(rule: FullRule): boolean {
  return rule.type === 'a'
}

/** True for a rule that the config did not ask for. */
export function isDefault(rule: FullRule): boolean {
  return rule.from === DEFAULT_FROM
}

/**
 * Type `a` is left only where it means every access to every device. With numbers or fewer letters it is spelled out for
 * both types: cgroup v1 itself, and runc with it, would take `a 1:3 r` for everything.
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

/** An absent access means all of it. */
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
