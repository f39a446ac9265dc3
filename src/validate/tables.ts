// The checks of `validate`, by the property that they are about. rules.ts has those that `run` makes as well.

import type { ConfigCheck, HostCheck, Row } from './check.ts'
import { checkFileSystemOptions, checkTypes } from './file-system-checks.ts'
import { checkKnownOptions } from './file-system-options.ts'
import { checkHostHooks } from './hook-checks.ts'
import {
  checkHostDevices,
  checkListener,
  checkNamespacePaths,
  checkNegativeOffsets,
  checkNetDevices,
  checkSysctls,
  checkTimeOffsets,
} from './linux-checks.ts'
import { checkBindOptions, checkBindSources, checkNamespaceMounts, checkTargets } from './mount-checks.ts'
import { checkNewNamespaces, checkRootReachable, checkSubordinateIds } from './namespace-checks.ts'
import { checkAppArmor, checkOomScore, checkOwnSettings, checkRlimits, checkScheduler } from './process-checks.ts'
import { checkCgroupAccess, checkCgroupWrites, checkUsedCgroup, checkValues } from './resource-checks.ts'
import { checkContainerHooks, checkCwd, checkDevicePaths, checkProgram } from './root-checks.ts'

export const configChecks: readonly Row<ConfigCheck>[] = [
  ['mounts', checkBindOptions],
  ['mounts', checkNamespaceMounts],
  ['linux.resources', checkValues],
  ['linux.timeOffsets', checkTimeOffsets],
]

/** Instead of the kernel's own opinion. */
export const textChecks: readonly Row<ConfigCheck>[] = [['mounts', checkKnownOptions]]

export const hostChecks: readonly Row<HostCheck>[] = [
  ['process.args', checkProgram],
  ['process.cwd', checkCwd],
  ['process.rlimits', checkRlimits],
  ['process.oomScoreAdj', checkOomScore],
  ['process.apparmorProfile', checkAppArmor],
  ['process.scheduler', checkScheduler],
  ['linux.memoryPolicy', checkOwnSettings],
  ['mounts[].source', checkBindSources],
  ['mounts[].destination', checkTargets],
  ['mounts[].type', checkTypes],
  ['mounts[].options', checkFileSystemOptions],
  ['hooks', checkHostHooks],
  ['hooks.startContainer', checkContainerHooks],
  ['linux.namespaces', checkNamespacePaths],
  ['linux.namespaces', checkNewNamespaces],
  ['linux.uidMappings', checkSubordinateIds],
  ['root.path', checkRootReachable],
  ['linux.sysctl', checkSysctls],
  ['linux.devices', checkHostDevices],
  ['linux.devices', checkDevicePaths],
  ['linux.timeOffsets', checkNegativeOffsets],
  ['linux.netDevices', checkNetDevices],
  ['linux.resources', checkCgroupWrites],
  ['linux.cgroupsPath', checkUsedCgroup],
  ['linux.cgroupsPath', checkCgroupAccess],
  ['linux.seccomp.listenerPath', checkListener],
]

/** What hooks may make before it is needed: a problem is only a warning then. */
export const madeByHooks: readonly string[] = [
  'process.args',
  'process.cwd',
  'mounts[].source',
  'mounts[].destination',
  'hooks.startContainer',
  'linux.sysctl',
  'linux.netDevices',
]
