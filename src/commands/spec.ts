// spec: writes a default config.json.

import type { Run } from '../cli/context.ts'
import { defaultConfig } from '../config/default-config.ts'
import { stringify } from '../config/json.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'

const OWNER_READS = 0o644

export const spec: Run<'spec'> = ({ native }, { bundle, rootless }) => {
  const path = `${bundle === undefined || bundle === '' ? '.' : bundle}/config.json`
  if (native.status(path) !== undefined) throw new RuntError('usage', `${path}: file exists; remove it first`)
  const { euid, egid, unifiedControllers, cgroupMounts } = native.probe()
  // On a hybrid host the v2 hierarchy is ignored.
  const cgroup = unifiedControllers !== '' && cgroupMounts.length === 1 ? 'v2' : 'v1'
  const options = rootless ? ({ cgroup, rootless: { uid: euid, gid: egid } } as const) : ({ cgroup } as const)
  try {
    native.writeFile(path, `${stringify(defaultConfig(options), '\t')}\n`, OWNER_READS)
  } catch (error) {
    throw hostFailure(path, error)
  }
  return 0
}
