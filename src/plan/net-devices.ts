// linux.netDevices (config-linux.md "Network Devices"): each device is moved by the runtime, once init has its network
// namespace and before any hook runs. What happens to the devices at the end is the kernel's business.

import type { PlanContext } from './context.ts'
import type { Step } from './launch-plan.ts'

export const netDeviceSteps = ({ linux }: PlanContext): Step[] =>
  Object.entries(linux.netDevices).map(([name, device]) => ({
    op: 'move_netdev',
    from: `linux.netDevices[${JSON.stringify(name)}]`,
    name,
    newName: device.name ?? name,
  }))
