// Advice for failures whose cause is well known though their errno does not tell: data, keyed by what failed and the errno. The most
// particular entry counts: the property of the config, then the type of a mount, then the operation. Nothing here looks at the host.

import type { Step } from './launch-plan.ts'

const forbidden =
  'user namespaces may be forbidden here: see kernel.unprivileged_userns_clone, user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns'
const exhausted = 'a limit in /proc/sys/user/max_*_namespaces is reached'
const noMapping = 'the id is not mapped in the user namespace'
const magicLink = 'a magic link of procfs, such as /proc/self/fd/3, is not followed here'
const foreign = (name: string): string => `in a user namespace it needs a new ${name} namespace, too`

const ofProperty: Readonly<Record<string, string>> = {
  'process.oomScoreAdj EACCES': 'to go below the caller’s own needs CAP_SYS_RESOURCE',
  'process.scheduler EPERM':
    "real-time policies, and a lower nice value than before, need CAP_SYS_NICE; SCHED_DEADLINE as a process scheduler can't be used together with AllowedCPUs, or any cpuset",
  'process.ioPriority EPERM': 'the class IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN',
  'process.selinuxLabel EINVAL': 'the policy of this host does not know the label',
  'process.apparmorProfile ENOENT': 'the profile is not loaded: see apparmor_parser(8)',
  'linux.devices ENOENT': 'in a user namespace a device is the host’s own, which does not have it under this name',
  'linux.resources.cpu.cpus EINVAL': 'must be CPUs of the cgroup above, in a form such as 0-3,7',
  'linux.resources.cpu.cpus ERANGE': 'must be CPUs that this machine has',
  'linux.resources.cpu.mems EINVAL': 'must be memory nodes of the cgroup above, in a form such as 0-1',
  'linux.resources.cpu.realtimeRuntime EINVAL': 'the cgroups above must have a real-time budget to take it from',
  'linux.resources.hugepageLimits ENOENT': 'the kernel has no huge pages of this size: see /sys/kernel/mm/hugepages',
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
    'may the container’s root come here and write? see the owner of the root file system, and the id mappings',
  'openat2 ELOOP': 'must be mounted on ordinary directory, not on a symbolic link',
  'chdir ELOOP': magicLink,
  'open_tree ELOOP': magicLink,
  'find_executable ELOOP': magicLink,
  'openat2 EXDEV': 'the path leads out of the root file system',
  'pivot_root EINVAL': 'a root file system on a ramdisk needs --no-pivot',
  'open_tree ENOENT': 'the source does not exist on the host',
  'idmap EINVAL': 'the file system of the source does not support id-mapped mounts, or has one already',
  'idmap EPERM': 'id-mapped mounts need the privileges of root over the file system of the source',
  'copy_up ENOSPC': 'what is below the mount does not fit into the size of the tmpfs',
  'mknodat EEXIST': 'there is something else at this path already',
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
  'connect ECONNREFUSED': 'it is no socket, or nobody listens at it',
  'connect ENOTSOCK': 'it must be the path of a socket',
  'make_userns EPERM': 'mappings for a mount need the privileges of root on the host',
  'make_userns ENOSPC': 'a limit in /proc/sys/user/max_user_namespaces is reached',
  'move_netdev ENODEV': 'there is no such network device',
  'move_netdev EEXIST': 'the name is taken in the network namespace of the container',
  'set_mempolicy EINVAL': 'does the machine have these nodes, and the kernel this mode?',
  'execve ENOENT':
    'an interpreter that the file needs (its #! line, or the dynamic loader) is missing in the root file system',
  'execve EPERM': 'does linux.seccomp allow execve?',
  'execve ENOEXEC': 'not an executable format the kernel knows; is it for another architecture?',
}

const anywhere: Readonly<Record<string, string>> = {
  EMFILE: 'the limit of open files of the runtime is too low: see RLIMIT_NOFILE',
  ENFILE: 'the limit of open files of the host is reached: see fs.file-max',
}

/** What may help where `step` failed with the errno. */
export function hintFor(step: Step, code: string): string | undefined {
  const property = step.from.replace(/[[( ].*/, '')
  const type = /\((\w+) at /.exec(step.from)?.[1]
  const operation = step.op === 'mount_setattr' && step.userns !== undefined ? 'idmap' : step.op
  return (
    ofProperty[`${property} ${code}`] ??
    ofMountType[`${type} ${code}`] ??
    ofOperation[`${operation} ${code}`] ??
    anywhere[code]
  )
}
