/**
 * cgroup v1 blkio controller (config-linux.md, Block IO; kernel Documentation/block/bfq-iosched.rst). Weights are
 * BFQ's: Linux 5.0, which is older than what runt needs, removed CFQ's files, blkio.weight and all leaf weights.
 */

import type { BlockIoResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import type { Purpose, Write } from '../write.ts'

const SECTION = 'linux.resources.blockIO'

export function blkioWrites({ blockIO }: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  const writes = weightWrites(blockIO, problems)
  for (const [property, file] of [
    ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device'],
    ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device'],
    ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device'],
    ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device'],
  ] as const) {
    blockIO[property].forEach(({ major, minor, rate }, i) => {
      writes.push({ file, data: `${major}:${minor} ${rate}`, from: `${SECTION}.${property}[${i}]` })
    })
  }
  return writes
}

function weightWrites(blockIO: BlockIoResources, problems: Problem[]): Write[] {
  const writes: Write[] = []
  if (blockIO.weight) writes.push({ file: 'blkio.bfq.weight', data: `${blockIO.weight}`, from: `${SECTION}.weight` })
  if (blockIO.leafWeight) problems.push({ path: `${SECTION}.leafWeight`, message: NO_LEAF_WEIGHT })
  blockIO.weightDevice.forEach(({ major, minor, weight, leafWeight }, i) => {
    const from = `${SECTION}.weightDevice[${i}]`
    if (weight) writes.push({ file: 'blkio.bfq.weight_device', data: `${major}:${minor} ${weight}`, from })
    if (leafWeight) problems.push({ path: `${from}.leafWeight`, message: NO_LEAF_WEIGHT })
  })
  return writes
}

export const NO_LEAF_WEIGHT = 'the blkio controller has no leaf weights since Linux 5.0'
