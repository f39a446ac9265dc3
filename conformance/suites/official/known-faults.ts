/*
 * Known failures of the official suite (runtime-tools, validation/) without a fault of the runtime: points that fail because of a bug of
 * the suite, because of this machine, or because runt deliberately differs. Each was examined by hand; any other failure is a failure of
 * the runtime.
 */
import { existsSync, readFileSync } from 'node:fs'
import { hasV1, needsCapability } from '../../harness/requires.ts'

export interface KnownFault {
  /** Programs of the suite. */
  readonly tests: readonly string[]
  /** The name of a point, or `exit status`. */
  readonly point: string
  readonly why: string
  /** False if this machine provides what the suite needs. */
  readonly isHere?: () => boolean
}

const CAP_SYS_RESOURCE = 24n
const lacksSysResource = (): boolean => needsCapability(CAP_SYS_RESOURCE, 'CAP_SYS_RESOURCE') !== false
const capabilitySets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient']
const hasAppArmor = (): boolean => existsSync('/sys/kernel/security/apparmor') || hasModule('apparmor')
const hasModule = (name: string): boolean => {
  const file = `/sys/module/${name}/parameters/enabled`
  return existsSync(file) && readFileSync(file, 'utf8').startsWith('Y')
}
const lacksSelinux = (): boolean => !existsSync('/sys/fs/selinux/enforce')
const lacksNetwork = (): boolean => !hasV1('net_cls') || !hasV1('net_prio')
const lacksHugetlb = (): boolean => !hasV1('hugetlb')

export const knownFaults: readonly KnownFault[] = [
  // ---- faults of the suite ----
  {
    tests: ['delete_resources', 'linux_cgroups_pids', 'linux_cgroups_relative_pids'],
    point: 'pids limit is set correctly',
    why: 'compares the addresses of two numbers instead of the numbers, since the limit became a pointer in the suite',
  },
  {
    tests: ['process_rlimits'],
    point: 'has expected soft RLIMIT_NOFILE',
    why: 'the program that looks is written in Go, whose start-up raises the soft limit to the hard one',
  },
  {
    tests: ['misc_props'],
    point:
      'implementations that are reading/processing this configuration file MUST NOT generate an error if they encounter an unknown annotation key',
    why: 'the bundle has no /runtimetest, which is what the config wants to run',
  },
  {
    tests: ['pidfile'],
    point: "create with '--pid-file' option works",
    why: 'the process is `true`, and the signal that it is sent when it has ended must be an error by the specification',
  },
  {
    tests: ['process_capabilities_fail'],
    point: 'exit status',
    why: 'wants an error for an unknown capability; since 1.1 the specification wants a warning and no failure',
  },
  ...[
    '`start` operation MUST generate an error if `process` was not set',
    'timeout in waiting for the container status',
  ].map((point) => ({
    tests: ['start'],
    point,
    why: 'its check of `start` without `process` wants the call that must fail to succeed, and then the container to stop',
  })),
  // ---- deliberate ----
  ...['MUST generate an error', 'MUST have no effect on the container'].map((end) => ({
    tests: ['delete'],
    point: `attempting to \`delete\` a container that is not \`stopped\` ${end}`,
    why: 'runt deletes a created container, as runc and crun do and engines rely on (docs/differences-from-runc.md)',
  })),
  // ---- the machine ----
  {
    tests: ['linux_mount_label'],
    point: 'exit status',
    why: 'no SELinux: runt refuses a label that nobody would enforce (docs/spec-choices.md)',
    isHere: lacksSelinux,
  },
  {
    tests: ['linux_cgroups_memory', 'linux_cgroups_relative_memory'],
    point: 'memory kernel is set correctly',
    why: 'Linux takes a write to memory.kmem.limit_in_bytes and does nothing, since 6.1',
  },
  {
    tests: ['linux_cgroups_blkio'],
    point: 'exit status',
    why: 'blkio.leaf_weight went away with Linux 5.0; runt says so',
  },
  {
    tests: ['linux_cgroups_relative_blkio'],
    point: 'exit status 1',
    why: 'blkio.leaf_weight went away with Linux 5.0; runt says so',
  },
  {
    tests: ['linux_cgroups_network'],
    point: 'exit status',
    why: 'no net_cls and net_prio hierarchies are mounted',
    isHere: lacksNetwork,
  },
  {
    tests: ['linux_cgroups_relative_network'],
    point: 'exit status 1',
    why: 'no net_cls and net_prio hierarchies are mounted',
    isHere: lacksNetwork,
  },
  {
    tests: ['linux_cgroups_hugetlb'],
    point: 'exit status',
    why: 'no hugetlb hierarchy is mounted, and the suite does not look at v2',
    isHere: lacksHugetlb,
  },
  {
    tests: ['linux_cgroups_relative_hugetlb'],
    point: 'get hugetlb cgroup data',
    why: 'no hugetlb hierarchy is mounted, and the suite does not look at v2',
    isHere: lacksHugetlb,
  },
  {
    tests: ['linux_process_apparmor_profile'],
    point: 'exit status',
    why: 'no AppArmor: runt refuses a profile that nobody would enforce, as runc does',
    isHere: () => !hasAppArmor(),
  },
  ...capabilitySets.map((set) => ({
    tests: ['process_capabilities'],
    point: `expected ${set} capability CAP_SYS_RESOURCE set`,
    why: 'the machine’s bounding set lacks it: left out with a warning, as the specification wants',
    isHere: lacksSysResource,
  })),
]

/** Programs that never print a point (a plan of 1..0): conformance/cases/spec/hooks.test.ts has equivalent tests. */
export const withoutVerdict: readonly string[] = [
  'hooks',
  'poststart',
  'poststart_fail',
  'poststop',
  'poststop_fail',
  'prestart',
  'prestart_fail',
]

/**
 * Programs that may lose a race and are run again: killsig signals a shell as soon as `state` is running, which may be before the shell
 * has set its trap; then pid 1 of a pid namespace does not get the signal (pid_namespaces(7)).
 */
export const racing: readonly string[] = ['killsig']
