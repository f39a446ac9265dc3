// linux.netDevices (config-linux.md "Network Devices"): the runtime moves each device once init has its network
// namespace and before any hook runs. The kernel moves or removes the devices when the namespace ends.

import type { Step } from '../steps/launch-plan.ts'
import type { PlanContext } from './context.ts'

export const netDeviceSteps = ({ linux }: PlanContext): Step[] =>
  Object.entries(linux.netDevices).map(([name, device]) => ({
    op: 'move_netdev',
    from: `linux.netDevices[${JSON.stringify(name)}]`,
    name,
    newName: device.name ?? name,
  }))
