/**
 * Device rules as DevicePolicy= and DeviceAllow= (systemd.resource-control(5)). systemd can only allow, and only by major
 * number or by both; it is told what it can be told, so that a reload of its own does not lock devices that are in use.
 * The full rules are in force through the cgroup itself.
 */

import type { Resources } from '../../config/config.ts'
import { deviceList } from '../device-list.ts'
import { deviceRules, type FullRule, RIGHTS_TEXT } from '../device-rules.ts'
import type { Property, Target } from './property.ts'

/** The empty list first: it clears what an existing unit has. */
const CLEAR: Property = { name: 'DeviceAllow', signature: 'a(ss)', value: [] }

/** Nothing is denied by systemd. */
export const OPEN_DEVICES: readonly Property[] = [CLEAR, { name: 'DevicePolicy', signature: 's', value: 'auto' }]

export function deviceProperties(resources: Resources, target: Target): Property[] {
  // Rules that v1 cannot express are v1's problem and reported there.
  const list = deviceList(deviceRules(resources.devices), [])
  if (list.allowByDefault && list.exceptions.length === 0) return [...OPEN_DEVICES]
  if (list.allowByDefault) return [CLEAR, { name: 'DevicePolicy', signature: 's', value: 'strict' }]
  const allowed = list.exceptions.flatMap(({ rule, rights }) => {
    const specifier = deviceSpecifier(rule, target)
    return specifier === undefined ? [] : [[specifier, RIGHTS_TEXT[rights] ?? '']]
  })
  return [
    CLEAR,
    { name: 'DevicePolicy', signature: 's', value: 'strict' },
    { name: 'DeviceAllow', signature: 'a(ss)', value: allowed },
  ]
}

/** Undefined where systemd has no word for it. Numbers in place of names are understood since systemd 240. */
function deviceSpecifier({ type, major, minor }: FullRule, target: Target): string | undefined {
  const kind = type === 'b' ? 'block' : 'char'
  if (major === undefined) return minor === undefined ? `${kind}-*` : undefined
  if (minor !== undefined) return `/dev/${kind}/${major}:${minor}`
  return target.version >= 240 ? `${kind}-${major}` : undefined
}
