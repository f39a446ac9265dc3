/**
 * What happens to each property of the config schema of runtime-spec 1.3.0: planned by which file, refused, or ignored
 * for which reason. The test fails for a property that is not listed, and for a file that does not mention a property
 * listed for it. A path stands for everything below it without an entry of its own. Not used at run time.
 */

/** By the file that plans them. */
export const planned: Readonly<Record<string, readonly string[]>> = {
  'config/rules/version.ts': ['ociVersion'],
  'launch/load-bundle.ts': ['root.path'],
  'plan/root.ts': ['root.readonly', 'linux.rootfsPropagation'],
  'plan/mounts.ts': ['mounts[].destination', 'mounts[].source', 'mounts[].type'],
  'plan/mount-data.ts': ['linux.mountLabel'],
  'plan/id-mapped-mounts.ts': ['mounts[].uidMappings', 'mounts[].gidMappings'],
  'plan/mount-options.ts': ['mounts[].options'],
  'plan/hooks.ts': hooksWith('timeout', 'path', 'args', 'env'),
  'plan/namespaces.ts': [
    'hostname',
    'domainname',
    'linux.namespaces[].type',
    'linux.namespaces[].path',
    ...mappingsOf('linux.uidMappings'),
    ...mappingsOf('linux.gidMappings'),
    'linux.timeOffsets.boottime.secs',
    'linux.timeOffsets.boottime.nanosecs',
    'linux.timeOffsets.monotonic.secs',
    'linux.timeOffsets.monotonic.nanosecs',
  ],
  'state/state-object.ts': ['annotations'],
  'plan/terminal.ts': ['process.terminal', 'process.consoleSize.height', 'process.consoleSize.width'],
  'plan/working-directory.ts': ['process.cwd'],
  'plan/process.ts': [
    'process.args',
    'process.env',
    'process.user.umask',
    'process.rlimits[].type',
    'process.rlimits[].soft',
    'process.rlimits[].hard',
    'process.oomScoreAdj',
    'process.apparmorProfile',
    'process.selinuxLabel',
    'process.ioPriority.class',
    'process.ioPriority.priority',
    'process.scheduler.policy',
    'process.scheduler.nice',
    'process.scheduler.priority',
    'process.scheduler.flags',
    'process.scheduler.runtime',
    'process.scheduler.deadline',
    'process.scheduler.period',
    'linux.personality.domain',
  ],
  'plan/credentials.ts': [
    'process.user.uid',
    'process.user.gid',
    'process.user.additionalGids',
    'process.capabilities.bounding',
    'process.capabilities.effective',
    'process.capabilities.inheritable',
    'process.capabilities.permitted',
    'process.capabilities.ambient',
    'process.noNewPrivileges',
  ],
  'plan/devices.ts': ['type', 'path', 'major', 'minor', 'fileMode', 'uid', 'gid'].map(
    (name) => `linux.devices[].${name}`,
  ),
  'plan/paths.ts': ['linux.sysctl', 'linux.maskedPaths', 'linux.readonlyPaths'],
  'plan/plan.ts': ['linux.cgroupsPath'],
  'cgroup/device-rules.ts': ['allow', 'type', 'major', 'minor', 'access'].map(
    (name) => `linux.resources.devices[].${name}`,
  ),
  'cgroup/v1/memory.ts': ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP', 'swappiness', 'disableOOMKiller'].map(
    (name) => `linux.resources.memory.${name}`,
  ),
  'cgroup/plan-update.ts': ['linux.resources.memory.checkBeforeUpdate'],
  'cgroup/v1/cpu.ts': ['shares', 'quota', 'burst', 'period', 'realtimeRuntime', 'realtimePeriod', 'idle'].map(
    (name) => `linux.resources.cpu.${name}`,
  ),
  'cgroup/v1/cpuset.ts': ['linux.resources.cpu.cpus', 'linux.resources.cpu.mems'],
  'cgroup/v1/pids.ts': ['linux.resources.pids.limit'],
  'cgroup/v1/blkio.ts': blockIo(),
  'cgroup/v1/hugetlb.ts': ['linux.resources.hugepageLimits[].pageSize', 'linux.resources.hugepageLimits[].limit'],
  'cgroup/v1/net.ts': [
    'linux.resources.network.classID',
    'linux.resources.network.priorities[].name',
    'linux.resources.network.priorities[].priority',
  ],
  'cgroup/v1/rdma.ts': ['linux.resources.rdma{}.hcaHandles', 'linux.resources.rdma{}.hcaObjects'],
  'cgroup/v2/unified.ts': ['linux.resources.unified'],
  'plan/seccomp.ts': ['linux.seccomp'],
  'plan/intel-rdt.ts': ['closID', 'schemata', 'l3CacheSchema', 'memBwSchema', 'enableMonitoring'].map(
    (name) => `linux.intelRdt.${name}`,
  ),
  'plan/net-devices.ts': ['linux.netDevices{}.name'],
  'plan/memory-policy.ts': ['linux.memoryPolicy.mode', 'linux.memoryPolicy.nodes', 'linux.memoryPolicy.flags'],
}

/** Refused with an error, by this file. */
export const rejected: Readonly<Record<string, string>> = {
  'linux.personality.flags': 'config/rules/personality.ts',
  // Kernels since 5.0 have no leaf weights, neither in cgroup v1 nor in v2.
  'linux.resources.blockIO.leafWeight': 'cgroup/v1/blkio.ts',
  'linux.resources.blockIO.weightDevice[].leafWeight': 'cgroup/v1/blkio.ts',
}

const otherPlatform =
  'config.md "Platform-specific configuration": for another platform; the form is checked all the same'

export const ignored: Readonly<Record<string, string>> = {
  'process.commandLine': 'config.md "Process": for Windows',
  'process.user.username': 'config.md "Windows User": for Windows',
  'linux.resources.memory.useHierarchy':
    'config-linux.md "Memory": for cgroup v1, where every memory cgroup is hierarchical since Linux 5.11',
  'process.execCPUAffinity': 'config.md "Linux Process": "not applicable to the container\'s init process"',
  freebsd: otherPlatform,
  solaris: otherPlatform,
  vm: otherPlatform,
  windows: otherPlatform,
  zos: otherPlatform,
}

function mappingsOf(path: string): readonly string[] {
  return ['containerID', 'hostID', 'size'].map((name) => `${path}[].${name}`)
}

function hooksWith(...names: readonly string[]): readonly string[] {
  const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
  return kinds.flatMap((kind) => names.map((name) => `hooks.${kind}[].${name}`))
}

function blockIo(): readonly string[] {
  const throttles = ['ReadBps', 'WriteBps', 'ReadIOPS', 'WriteIOPS'].flatMap((kind) =>
    ['major', 'minor', 'rate'].map((name) => `throttle${kind}Device[].${name}`),
  )
  const weights = ['major', 'minor', 'weight'].map((name) => `weightDevice[].${name}`)
  return ['weight', ...weights, ...throttles].map((name) => `linux.resources.blockIO.${name}`)
}
