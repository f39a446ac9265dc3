/**
 * Device rules as DevicePolicy= and DeviceAllow= (systemd.resource-control(5)). systemd can only allow devices, by
 * major number or by both numbers; it gets the rules it can express, so that a daemon-reload does not block devices in
 * use. The full rules are enforced by the cgroup itself.
 */

import type { Resources } from '../../config/config.ts'
import type { Property, Target } from '../../systemd/property.ts'
import { deviceList } from '../device-list.ts'
import { deviceRules, type FullRule, RIGHTS_TEXT } from '../device-rules.ts'

/** The empty list comes first: it clears the list of an existing unit. */
const CLEAR: Property = { name: 'DeviceAllow', signature: 'a(ss)', value: [] }

/** systemd denies no device. */
export const OPEN_DEVICES: readonly Property[] = [CLEAR, { name: 'DevicePolicy', signature: 's', value: 'auto' }]

export function deviceProperties(resources: Resources, target: Target): Property[] {
  // The v1 planner reports rules that v1 cannot express.
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

/** undefined if systemd cannot express it. Numbers instead of names need systemd 240. */
function deviceSpecifier({ type, major, minor }: FullRule, target: Target): string | undefined {
  const kind = type === 'b' ? 'block' : 'char'
  if (major === undefined) return minor === undefined ? `${kind}-*` : undefined
  if (minor !== undefined) return `/dev/${kind}/${major}:${minor}`
  return target.version >= 240 ? `${kind}-${major}` : undefined
}
