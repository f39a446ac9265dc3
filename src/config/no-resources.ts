// linux.resources of a config that sets none, as parseConfig makes it.

import type { Resources } from './config.ts'

export const noResources: Resources = {
  unified: {},
  devices: [],
  memory: { disableOOMKiller: false, checkBeforeUpdate: false },
  cpu: {},
  pids: {},
  blockIO: {
    weightDevice: [],
    throttleReadBpsDevice: [],
    throttleWriteBpsDevice: [],
    throttleReadIOPSDevice: [],
    throttleWriteIOPSDevice: [],
  },
  hugepageLimits: [],
  network: { priorities: [] },
  rdma: {},
}
