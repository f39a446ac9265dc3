/**
 * cgroup v1 devices controller (kernel Documentation/admin-guide/cgroup-v1/devices.rst). The kernel keeps a default and
 * a list of exceptions; only the differences are written, in the order of the config.
 */

import type { Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { isWeakened } from '../../weaken.ts'
import { type DeviceList, deviceLine, deviceList } from '../device-list.ts'
import { deviceRules, type FullRule, isPlain, PLAIN_DEVICES, RIGHTS_TEXT } from '../device-rules.ts'
import type { Write } from '../write.ts'

/** For a new cgroup. It inherits its parent's list, which is unknown here, so the default is always written. */
export function devicesWrites(resources: Resources, problems: Problem[]): readonly Write[] {
  if (RUNT_WEAKEN && isWeakened('device-default')) return []
  return isPlain(resources.devices) ? PLAIN : writesOf(deviceRules(resources.devices), problems)
}

function writesOf(rules: readonly FullRule[], problems: Problem[]): Write[] {
  const list = deviceList(rules, problems)
  const writes: Write[] = [{ file: list.allowByDefault ? 'devices.allow' : 'devices.deny', data: 'a', from: list.from }]
  const file = list.allowByDefault ? 'devices.deny' : 'devices.allow'
  for (const { rule, rights } of list.exceptions) writes.push({ file, data: deviceLine(rule, rights), from: rule.from })
  return writes
}

/** Computed when runt is built. */
const PLAIN: readonly Write[] = writesOf(deviceRules(PLAIN_DEVICES), [])

/**
 * For a cgroup in use with `text` in devices.list: only the differences, so that a device that is allowed before and
 * after is never denied in between.
 */
export function devicesTransition(resources: Resources, text: string, problems: Problem[]): readonly Write[] {
  const target = deviceList(deviceRules(resources.devices), problems)
  const current = text.split('\n').filter((line) => line !== '')
  // A list with a default of allow does not show its exceptions.
  const isComparable = !target.allowByDefault && !current.some((line) => line.startsWith('a'))
  if (!isComparable) return devicesWrites(resources, [])
  const wanted = target.exceptions.map(({ rule, rights }) => ({ data: deviceLine(rule, rights), from: rule.from }))
  const from = 'linux.resources.devices'
  return [
    ...wanted.filter(({ data }) => !current.includes(data)).map((rule): Write => ({ file: 'devices.allow', ...rule })),
    ...current.flatMap((line) => surplus(line, target)).map((data): Write => ({ file: 'devices.deny', data, from })),
  ]
}

/**
 * The rights in a line of devices.list that the target lacks, as a rule to deny: the same numbers with fewer letters.
 */
function surplus(line: string, target: DeviceList): string[] {
  const blank = line.lastIndexOf(' ')
  const device = line.slice(0, blank)
  const kept = target.exceptions.find(({ rule }) => rule.device === device)?.rights ?? 0
  const letters = [...line.slice(blank + 1)].filter((letter) => !RIGHTS_TEXT[kept]?.includes(letter))
  return letters.length === 0 ? [] : [`${device} ${letters.join('')}`]
}
