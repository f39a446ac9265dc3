/**
 * The configuration as planners read it (OCI runtime-spec 1.3.0, config.md and config-linux.md), in OCI spelling.
 * Lists and maps are always there, maybe empty; so is every object all of whose members are optional. Integers that the
 * spec makes 64 bits wide are bigint, all others number. An empty optional string is absent, as in runc. What stays
 * optional does so because absence means something. Read only by the pure planners; made only by parseConfig.
 */

export interface Config {
  readonly ociVersion: string
  readonly root: Root
  readonly mounts: readonly Mount[]
  /** Absent in a bundle that can be created but not started. */
  readonly process?: Process
  readonly hostname?: string
  readonly domainname?: string
  readonly hooks: Hooks
  readonly annotations: StringMap
  readonly linux: Linux
}

export type StringMap = { readonly [key: string]: string }

export interface Root {
  readonly path: string
  readonly readonly: boolean
}

export interface Mount {
  /** Absolute: a relative one is taken from `/`, as the spec says. */
  readonly destination: string
  readonly type?: string
  readonly source?: string
  readonly options: readonly string[]
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface Process {
  readonly terminal: boolean
  /** Only there when `terminal` is true. */
  readonly consoleSize?: ConsoleSize
  readonly cwd: string
  readonly env: readonly string[]
  readonly args: readonly string[]
  readonly user: User
  readonly rlimits: readonly Rlimit[]
  /** Absent: no capabilities for a container's process, the container's own for `exec`. */
  readonly capabilities?: Capabilities
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly scheduler?: Scheduler
  readonly ioPriority?: IoPriority
  readonly execCPUAffinity: CpuAffinity
}

export interface ConsoleSize {
  readonly height: bigint
  readonly width: bigint
}

export interface User {
  readonly uid: number
  readonly gid: number
  readonly umask?: number
  readonly additionalGids: readonly number[]
}

export interface Rlimit {
  readonly type: string
  readonly soft: bigint
  readonly hard: bigint
}

export interface Capabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly inheritable: readonly string[]
  readonly permitted: readonly string[]
  readonly ambient: readonly string[]
}

export type SchedulerPolicy =
  | 'SCHED_OTHER'
  | 'SCHED_FIFO'
  | 'SCHED_RR'
  | 'SCHED_BATCH'
  | 'SCHED_ISO'
  | 'SCHED_IDLE'
  | 'SCHED_DEADLINE'

export type SchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX'

export interface Scheduler {
  readonly policy: SchedulerPolicy
  readonly nice: number
  readonly priority: number
  readonly flags: readonly SchedulerFlag[]
  readonly runtime: bigint
  readonly deadline: bigint
  readonly period: bigint
}

export interface IoPriority {
  readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'
  readonly priority: number
}

export interface CpuAffinity {
  readonly initial?: string
  readonly final?: string
}

export interface Hooks {
  readonly prestart: readonly Hook[]
  readonly createRuntime: readonly Hook[]
  readonly createContainer: readonly Hook[]
  readonly startContainer: readonly Hook[]
  readonly poststart: readonly Hook[]
  readonly poststop: readonly Hook[]
}

export interface Hook {
  readonly path: string
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** Seconds. */
  readonly timeout?: number
}

export interface Linux {
  readonly namespaces: readonly Namespace[]
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
  readonly timeOffsets: TimeOffsets
  readonly devices: readonly Device[]
  readonly netDevices: { readonly [hostName: string]: NetDevice }
  readonly cgroupsPath?: string
  readonly resources: Resources
  readonly intelRdt?: IntelRdt
  readonly memoryPolicy?: MemoryPolicy
  readonly sysctl: StringMap
  readonly seccomp?: Seccomp
  readonly rootfsPropagation?: RootfsPropagation
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly mountLabel?: string
  readonly personality?: Personality
}

export type NamespaceType = 'mount' | 'pid' | 'network' | 'uts' | 'ipc' | 'user' | 'cgroup' | 'time'

export interface Namespace {
  readonly type: NamespaceType
  /** Join the namespace of this file; absent: make a new one. */
  readonly path?: string
}

export interface TimeOffsets {
  readonly monotonic?: TimeOffset
  readonly boottime?: TimeOffset
}

export interface TimeOffset {
  readonly secs: bigint
  readonly nanosecs: number
}

export interface Device {
  readonly type: 'c' | 'b' | 'u' | 'p'
  readonly path: string
  readonly major: bigint
  readonly minor: bigint
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface NetDevice {
  /** The name inside the container; absent: as on the host. */
  readonly name?: string
}

export interface Resources {
  readonly unified: StringMap
  readonly devices: readonly DeviceRule[]
  readonly memory: MemoryResources
  readonly cpu: CpuResources
  readonly pids: PidsResources
  readonly blockIO: BlockIoResources
  readonly hugepageLimits: readonly HugepageLimit[]
  readonly network: NetworkResources
  readonly rdma: { readonly [device: string]: RdmaLimit }
}

export interface DeviceRule {
  readonly allow: boolean
  /** Absent means all types. */
  readonly type?: 'a' | 'b' | 'c'
  /** Absent means all numbers. */
  readonly major?: bigint
  readonly minor?: bigint
  /** Some of `rwm`. */
  readonly access?: string
}

export interface MemoryResources {
  readonly limit?: bigint
  readonly reservation?: bigint
  readonly swap?: bigint
  readonly kernel?: bigint
  readonly kernelTCP?: bigint
  readonly swappiness?: bigint
  readonly disableOOMKiller: boolean
  readonly useHierarchy?: boolean
  readonly checkBeforeUpdate: boolean
}

export interface CpuResources {
  readonly shares?: bigint
  readonly quota?: bigint
  readonly burst?: bigint
  readonly period?: bigint
  readonly realtimeRuntime?: bigint
  readonly realtimePeriod?: bigint
  readonly cpus?: string
  readonly mems?: string
  readonly idle?: bigint
}

export interface PidsResources {
  readonly limit?: bigint
}

export interface BlockIoResources {
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice: readonly BlockIoWeightDevice[]
  readonly throttleReadBpsDevice: readonly BlockIoThrottleDevice[]
  readonly throttleWriteBpsDevice: readonly BlockIoThrottleDevice[]
  readonly throttleReadIOPSDevice: readonly BlockIoThrottleDevice[]
  readonly throttleWriteIOPSDevice: readonly BlockIoThrottleDevice[]
}

export interface BlockIoWeightDevice {
  readonly major: bigint
  readonly minor: bigint
  readonly weight?: number
  readonly leafWeight?: number
}

export interface BlockIoThrottleDevice {
  readonly major: bigint
  readonly minor: bigint
  readonly rate: bigint
}

export interface HugepageLimit {
  readonly pageSize: string
  readonly limit: bigint
}

export interface NetworkResources {
  readonly classID?: number
  readonly priorities: readonly InterfacePriority[]
}

export interface InterfacePriority {
  readonly name: string
  readonly priority: number
}

export interface RdmaLimit {
  readonly hcaHandles?: number
  readonly hcaObjects?: number
}

export interface IntelRdt {
  readonly closID?: string
  readonly schemata: readonly string[]
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
  readonly enableMonitoring: boolean
}

export type MemoryPolicyMode =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL'

export type MemoryPolicyFlag = 'MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES'

export interface MemoryPolicy {
  readonly mode: MemoryPolicyMode
  readonly nodes?: string
  readonly flags: readonly MemoryPolicyFlag[]
}

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'

export type SeccompArch =
  | 'SCMP_ARCH_X86'
  | 'SCMP_ARCH_X86_64'
  | 'SCMP_ARCH_X32'
  | 'SCMP_ARCH_ARM'
  | 'SCMP_ARCH_AARCH64'
  | 'SCMP_ARCH_LOONGARCH64'
  | 'SCMP_ARCH_M68K'
  | 'SCMP_ARCH_MIPS'
  | 'SCMP_ARCH_MIPS64'
  | 'SCMP_ARCH_MIPS64N32'
  | 'SCMP_ARCH_MIPSEL'
  | 'SCMP_ARCH_MIPSEL64'
  | 'SCMP_ARCH_MIPSEL64N32'
  | 'SCMP_ARCH_PPC'
  | 'SCMP_ARCH_PPC64'
  | 'SCMP_ARCH_PPC64LE'
  | 'SCMP_ARCH_S390'
  | 'SCMP_ARCH_S390X'
  | 'SCMP_ARCH_SH'
  | 'SCMP_ARCH_SHEB'
  | 'SCMP_ARCH_PARISC'
  | 'SCMP_ARCH_PARISC64'
  | 'SCMP_ARCH_RISCV64'

export type SeccompFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

export interface Seccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number
  readonly architectures: readonly SeccompArch[]
  readonly flags: readonly SeccompFlag[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls: readonly SeccompSyscall[]
}

export interface SeccompSyscall {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  readonly args: readonly SeccompArg[]
}

export interface SeccompArg {
  readonly index: number
  readonly value: bigint
  readonly valueTwo: bigint
  readonly op: SeccompOperator
}

/** Engines write the recursive forms, too, which runc reads. */
export type RootfsPropagation =
  | 'private'
  | 'shared'
  | 'slave'
  | 'unbindable'
  | 'rprivate'
  | 'rshared'
  | 'rslave'
  | 'runbindable'

export interface Personality {
  readonly domain: 'LINUX' | 'LINUX32'
  readonly flags: readonly string[]
}
