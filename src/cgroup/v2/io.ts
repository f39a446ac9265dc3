/**
 * cgroup v2 io controller (config-linux.md, Block IO; kernel Documentation/admin-guide/cgroup-v2.rst, IO). A weight is
 * written for BFQ and for the cost model: a kernel has one of them or both, and the one that schedules the disk
 * applies.
 */

import type { BlockIoResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { EINVAL, ENOENT } from '../../steps/constants.ts'
import { NO_LEAF_WEIGHT } from '../v1/blkio.ts'
import type { Purpose, Write } from '../write.ts'
import { blockIoToIoWeight } from './conversions.ts'

const SECTION = 'linux.resources.blockIO'

export function ioWrites({ blockIO }: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  const writes = weightWrites(blockIO, problems)
  for (const [property, key] of [
    ['throttleReadBpsDevice', 'rbps'],
    ['throttleWriteBpsDevice', 'wbps'],
    ['throttleReadIOPSDevice', 'riops'],
    ['throttleWriteIOPSDevice', 'wiops'],
  ] as const) {
    blockIO[property].forEach(({ major, minor, rate }, i) => {
      // On v1 a rate of 0 removes a limit; v2 refuses it.
      const data = `${major}:${minor} ${key}=${rate === 0n ? 'max' : rate}`
      writes.push({ file: 'io.max', data, from: `${SECTION}.${property}[${i}]` })
    })
  }
  return writes
}

function weightWrites(blockIO: BlockIoResources, problems: Problem[]): Write[] {
  const writes: Write[] = []
  if (blockIO.weight) {
    const from = `${SECTION}.weight`
    writes.push({ file: 'io.bfq.weight', data: `${blockIO.weight}`, from, tolerate: [ENOENT] })
    writes.push({ file: 'io.weight', data: `${blockIoToIoWeight(blockIO.weight)}`, from, tolerate: [ENOENT] })
  }
  if (blockIO.leafWeight) problems.push({ path: `${SECTION}.leafWeight`, message: NO_LEAF_WEIGHT })
  blockIO.weightDevice.forEach(({ major, minor, weight, leafWeight }, i) => {
    const from = `${SECTION}.weightDevice[${i}]`
    // Without BFQ, or before Linux 5.4, which has no weights by device: ignored as in runc.
    const tolerate = [ENOENT, EINVAL]
    if (weight) writes.push({ file: 'io.bfq.weight', data: `${major}:${minor} ${weight}`, from, tolerate })
    if (leafWeight) problems.push({ path: `${from}.leafWeight`, message: NO_LEAF_WEIGHT })
  })
  return writes
}
