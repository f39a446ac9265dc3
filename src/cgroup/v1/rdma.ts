/**
 * rdma controller (config-linux.md, RDMA; kernel Documentation/admin-guide/cgroup-v1/rdma.rst): the same file on v1 and v2.
 */

import type { RdmaLimit, Resources } from '../../config/config.ts'
import type { Write } from '../write.ts'

export function rdmaWrites({ rdma }: Resources): Write[] {
  return Object.entries(rdma).map(([device, limit]) => ({
    file: 'rdma.max',
    data: limitLine(device, limit),
    from: `linux.resources.rdma.${device}`,
  }))
}

function limitLine(device: string, { hcaHandles, hcaObjects }: RdmaLimit): string {
  const handles = hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`
  const objects = hcaObjects === undefined ? '' : ` hca_object=${hcaObjects}`
  return device + handles + objects
}
