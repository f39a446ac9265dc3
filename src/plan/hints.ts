// Hints for failures whose known cause the errno does not tell: a table keyed by what failed and the errno. The most
// specific entry applies: property of the config, then type of the mount, then operation. Nothing here reads the host.

import type { Step } from '../steps/launch-plan.ts'

const forbidden =
  'user namespaces may be forbidden here: see kernel.unprivileged_userns_clone, user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns'
const exhausted = 'a limit in /proc/sys/user/max_*_namespaces is reached'
const noMapping = 'the id is not mapped in the user namespace'
const magicLink = 'a magic link of procfs, such as /proc/self/fd/3, is not followed here'
const coveredLink = `the path has a loop of links, or ${magicLink}`
const unknownLabel = 'the policy of this host does not know the label'
const foreign = (name: string): string => `in a user namespace it needs a new ${name} namespace, too`

const ofProperty: Readonly<Record<string, string>> = {
  'process.oomScoreAdj EACCES': 'to go below the caller’s own needs CAP_SYS_RESOURCE',
  'process.scheduler EPERM':
    "real-time policies, and a lower nice value than before, need CAP_SYS_NICE; SCHED_DEADLINE as a process scheduler can't be used together with AllowedCPUs, or any cpuset",
  'process.ioPriority EPERM': 'the class IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN',
  'process.selinuxLabel EINVAL': unknownLabel,
  'linux.mountLabel EINVAL': `linux.mountLabel: ${unknownLabel}`,
  'process.apparmorProfile ENOENT': 'the profile is not loaded: see apparmor_parser(8)',
  'linux.maskedPaths ELOOP': coveredLink,
  'linux.readonlyPaths ELOOP': coveredLink,
  'linux.devices ENOENT': 'in a user namespace a device is the host’s own, which does not have it under this name',
  'linux.resources.cpu.cpus EINVAL': 'must be CPUs of the cgroup above, in a form such as 0-3,7',
  'linux.resources.cpu.cpus ERANGE': 'must be CPUs that this machine has',
  'linux.resources.cpu.mems EINVAL': 'must be memory nodes of the cgroup above, in a form such as 0-1',
  'linux.resources.cpu.realtimeRuntime EINVAL': 'the cgroups above must have a real-time budget to take it from',
  'linux.resources.hugepageLimits ENOENT':
    'no hugetlb controller is in use here, or the kernel has no huge pages of this size: see /proc/mounts and /sys/kernel/mm/hugepages',
  'linux.cgroupsPath EACCES': 'the cgroup above must be delegated to this user',
  'linux.cgroupsPath EROFS': 'the hierarchy is mounted read-only',
}

const ofMountType: Readonly<Record<string, string>> = {
  'proc EPERM': foreign('pid'),
  'sysfs EPERM': foreign('network'),
  'mqueue EPERM': foreign('ipc'),
}

const ofOperation: Readonly<Record<string, string>> = {
  'clone EINVAL': 'does this kernel support all of the namespaces?',
  'clone EPERM': `making namespaces needs CAP_SYS_ADMIN, or a user namespace; ${forbidden}`,
  'clone ENOSPC': exhausted,
  'clone EFBIG': 'the limit of file sizes of the runtime is too low: see RLIMIT_FSIZE',
  'clone EUSERS': exhausted,
  'clone EAGAIN': 'a limit of processes is reached: RLIMIT_NPROC, or pids.max of a cgroup',
  'clone EOPNOTSUPP': 'is the v2 cgroup in a threaded subtree?',
  'write ENOSPC': 'a cpuset without CPUs or memory nodes takes no process',
  'clone EBUSY': 'the v2 cgroup has children with controllers: processes may only be in its leaves',
  'fork EAGAIN': 'a limit of processes is reached: linux.resources.pids.limit, or RLIMIT_NPROC',
  'claim_cgroup EAGAIN': 'another container is about to enter the cgroup',
  'claim_cgroup EBUSY': "the container's cgroup is not empty",
  'unshare EPERM': forbidden,
  'unshare ENOSPC': exhausted,
  'unshare EUSERS': exhausted,
  'openat2 EACCES':
    'the container’s root cannot write here: check the owner of the root file system and the id mappings',
  'openat2 ELOOP': 'must be mounted on ordinary directory, not on a symbolic link',
  'chdir ELOOP': magicLink,
  'open_tree ELOOP': magicLink,
  'find_executable ELOOP': magicLink,
  'openat2 EXDEV': 'the path leads out of the root file system',
  'pivot_root EINVAL': 'a root file system on a ramdisk needs --no-pivot',
  'open_tree ENOENT': 'the source does not exist on the host',
  'cut EINVAL':
    'the root directory is no mount point, as in a chroot of a plain directory: bind it to itself before chroot(8)',
  'idmap EINVAL': 'the file system of the source does not support id-mapped mounts, or has one already',
  'idmap EPERM': 'id-mapped mounts need the privileges of root over the file system of the source',
  'layer EINVAL': 'more than a page of layers needs Linux 6.7',
  'copy_up ENOSPC': 'what is below the mount does not fit into the size of the tmpfs',
  'mknodat EEXIST': 'there is something else at this path already',
  'symlinkat EEXIST': 'there is something else at this path already',
  'mount_setattr EPERM':
    'in a user namespace, what the source’s mount forbids and its access times are locked (mount_namespaces(7))',
  'mount ENOENT': 'is each path in the source and the options there, on the host?',
  'move_mount ENOTDIR': 'a directory can only be mounted on a directory, a file only on a file',
  'map_ids ENOENT': 'newuidmap and newgidmap are needed to map ranges of ids (package uidmap)',
  'fsopen ENODEV': 'the kernel does not have this file system',
  'prlimit EPERM': 'raising a hard limit needs CAP_SYS_RESOURCE',
  'seccomp EINVAL': 'the kernel does not know a flag or an action of the profile',
  'setgroups EPERM': 'groups cannot be set in a user namespace whose gid_map was written with setgroups denied',
  'setresuid EINVAL': noMapping,
  'setresgid EINVAL': noMapping,
  'setns EINVAL': 'is it a namespace of that type?',
  'mkdirat EROFS': 'the hierarchy is mounted read-only',
  'bpf_prog_attach EPERM': 'device rules on cgroup v2 need CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN',
  'connect ECONNREFUSED': 'not a socket, or no listener',
  'connect ENOTSOCK': 'it must be the path of a socket',
  'make_userns EPERM': 'mappings for a mount need the privileges of root on the host',
  'make_userns ENOSPC': 'a limit in /proc/sys/user/max_user_namespaces is reached',
  'move_netdev ENODEV': 'there is no such network device',
  'move_netdev EEXIST': 'the name is taken in the network namespace of the container',
  'set_mempolicy EINVAL': 'does the machine have these nodes, and the kernel this mode?',
  'execve ENOENT':
    'an interpreter that the file needs (its #! line, or the dynamic loader) is missing in the root file system',
  'execve EPERM':
    'does linux.seccomp allow execve, and with process.noNewPrivileges the policy of SELinux process.selinuxLabel?',
  'execve ENOEXEC': 'not an executable format the kernel knows; is it for another architecture?',
}

const anywhere: Readonly<Record<string, string>> = {
  EMFILE: 'the limit of open files of the runtime is too low: see RLIMIT_NOFILE',
  ENFILE: 'the limit of open files of the host is reached: see fs.file-max',
}

/** The operation, with its argument if that tells more than the name of the call. */
function operationOf(step: Step): string {
  if (step.op === 'mount_setattr' && step.userns !== undefined) return 'idmap'
  if (step.op === 'mount_setattr' && step.path === '/') return 'cut'
  return step.op === 'fsconfig' && (step.key === 'lowerdir+' || step.key === 'datadir+') ? 'layer' : step.op
}
const setsLabel = (step: Step): boolean =>
  (step.op === 'fsconfig' && step.key === 'context') || (step.op === 'setxattr' && step.name === 'security.selinux')

/** The hint for a failure of `step` with this errno. */
export function hintFor(step: Step, code: string): string | undefined {
  const property = setsLabel(step) ? 'linux.mountLabel' : step.from.replace(/[[( ].*/, '')
  const type = /\((\w+) at /.exec(step.from)?.[1]
  const operation = operationOf(step)
  return (
    ofProperty[`${property} ${code}`] ??
    ofMountType[`${type} ${code}`] ??
    ofOperation[`${operation} ${code}`] ??
    anywhere[code]
  )
}
