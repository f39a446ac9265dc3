// spec: writes a config.json to start from.

import { defaultConfig } from '../config/default-config.ts'
import { stringify } from '../config/json.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Run } from './context.ts'

const OWNER_READS = 0o644

export const spec: Run<'spec'> = ({ native }, { bundle, rootless }) => {
  const path = `${bundle === undefined || bundle === '' ? '.' : bundle}/config.json`
  if (native.status(path) !== undefined) throw new RuntError('usage', `${path}: file exists; remove it first`)
  const { euid, egid, unifiedControllers, cgroupMounts } = native.probe()
  // Beside v1 hierarchies the v2 tree does not count.
  const cgroup = unifiedControllers !== '' && cgroupMounts.length === 1 ? 'v2' : 'v1'
  const options = rootless ? ({ cgroup, rootless: { uid: euid, gid: egid } } as const) : ({ cgroup } as const)
  try {
    native.writeFile(path, `${stringify(defaultConfig(options), '\t')}\n`, OWNER_READS)
  } catch (error) {
    throw hostFailure(path, error)
  }
  return 0
}
