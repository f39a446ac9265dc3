/**
 * net_cls and net_prio controllers (config-linux.md, Network; kernel Documentation/admin-guide/cgroup-v1/net_cls.rst and
 * net_prio.rst). They exist on v1 only.
 */

import type { Resources } from '../../config/config.ts'
import type { Write } from '../write.ts'

export function netClsWrites({ network }: Resources): Write[] {
  if (!network.classID) return []
  return [{ file: 'net_cls.classid', data: `${network.classID}`, from: 'linux.resources.network.classID' }]
}

export function netPrioWrites({ network }: Resources): Write[] {
  return network.priorities.map(({ name, priority }, i) => ({
    file: 'net_prio.ifpriomap',
    data: `${name} ${priority}`,
    from: `linux.resources.network.priorities[${i}]`,
  }))
}
