import t from 'tap'
import { formatProblem, type RuntError } from '../errors.ts'
import { type Json, stringify } from './json.ts'
import { parseConfig } from './parse-config.ts'

/** A valid config with every namespace, so that tests can break single rules. */
const base = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['true'] },
  linux: {
    namespaces: ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup', 'time'].map((type) => ({ type })),
  },
}

/** The base with some members of objects replaced; null removes one. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged: Record<string, unknown> = { ...(target as Record<string, unknown>) }
  for (const [key, value] of Object.entries(patch)) merged[key] = merge(merged[key], value)
  return merged
}

function outcome(patch: unknown): { problems: string[]; warnings: string[] } {
  try {
    const { warnings } = parseConfig(stringify(merge(base, patch) as Json), 'config.json')
    return { problems: [], warnings: warnings.map(formatProblem) }
  } catch (error) {
    const problems = (error as RuntError).problems ?? []
    return { problems: problems.map(formatProblem), warnings: [] }
  }
}

interface Case {
  readonly rule: string
  /** Configs without a problem. */
  readonly valid: readonly unknown[]
  /** Configs with their problems. */
  readonly invalid: readonly (readonly [unknown, ...string[]])[]
}

const linux = (members: unknown) => ({ linux: members })
const namespaces = (...types: string[]) => linux({ namespaces: types.map((type) => ({ type })) })
const processWith = (members: unknown) => ({ process: members })
const mapping = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })
const withUser = (members: object) => linux({ namespaces: [{ type: 'user' }, { type: 'mount' }], ...members })
const mapped = { uidMappings: [mapping(0, 1000, 10)], gidMappings: [mapping(0, 1000, 10)] }

const cases: readonly Case[] = [
  {
    rule: 'version',
    valid: ['1.0.0', '1.0.2-dev', '1.99.0', '1.2.0+dev'].map((ociVersion) => ({ ociVersion })),
    invalid: [
      [{ ociVersion: 'invalid' }, 'ociVersion: must be a version 1.x.y of the runtime-spec, not "invalid"'],
      [{ ociVersion: '2.0.0' }, 'ociVersion: must be a version 1.x.y of the runtime-spec, not "2.0.0"'],
      [{ ociVersion: '1.0' }, 'ociVersion: must be a version 1.x.y of the runtime-spec, not "1.0"'],
      [{ ociVersion: '1.01.0' }, 'ociVersion: must be a version 1.x.y of the runtime-spec, not "1.01.0"'],
    ],
  },
  {
    rule: 'root',
    valid: [{ root: { path: '/', readonly: true } }],
    invalid: [
      [{ root: null }, 'root: is required'],
      [{ root: { path: null } }, 'root.path: is required'],
      [{ root: { path: '' } }, 'root.path: is required'],
    ],
  },
  {
    rule: 'mounts',
    valid: [
      { mounts: [{ destination: '/x', source: '/y', options: ['bind'] }] },
      { mounts: [{ destination: '/x', source: '/y', options: ['bind', 'idmap'], ...mapped }] },
      { mounts: [{ destination: '/x', source: '/y', options: ['ridmap'] }], ...withUser(mapped) },
      { mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }] },
      { mounts: [{ destination: '/proc', source: '/proc', options: ['rbind'] }] },
      { mounts: [{ destination: '/proc/meminfo', source: '/y', options: ['bind'] }] },
    ],
    invalid: [
      [
        { mounts: [{ destination: '/x/../proc/', source: '/y', options: ['bind'] }] },
        'mounts[0].destination: "/x/../proc" cannot be mounted on: only procfs may be there',
      ],
      [
        { mounts: [{ destination: '/proc/self', type: 'tmpfs' }] },
        'mounts[0].destination: "/proc/self" cannot be mounted on: it is inside /proc',
      ],
      [{ mounts: [{ source: '/y' }] }, 'mounts[0].destination: is required'],
      [{ mounts: [{ destination: '/x', options: ['rbind'] }] }, 'mounts[0].source: is required for a bind mount'],
      [
        { mounts: [{ destination: '/x', uidMappings: mapped.uidMappings }] },
        'mounts[0].gidMappings: is required along with uidMappings',
      ],
      [
        { mounts: [{ destination: '/x', gidMappings: mapped.gidMappings }] },
        'mounts[0].uidMappings: is required along with gidMappings',
      ],
      [
        { mounts: [{ destination: '/x', options: ['ro', 'idmap'] }] },
        'mounts[0].options[1]: needs uidMappings and gidMappings, or a user namespace',
      ],
    ],
  },
  {
    rule: 'id mappings',
    valid: [withUser({ ...mapped, uidMappings: [mapping(0, 0, 4294967295)] })],
    invalid: [
      [
        withUser({ ...mapped, uidMappings: [mapping(0, 0, 1), mapping(1, 1, 0)] }),
        'linux.uidMappings[1].size: must not be 0',
      ],
      [
        withUser({ ...mapped, uidMappings: [mapping(0, 0, 1), mapping(4294967295, 5, 1)] }),
        'linux.uidMappings[1].size: exceeds the highest container ID',
      ],
      [
        withUser({ ...mapped, gidMappings: [mapping(0, 4294967000, 300)] }),
        'linux.gidMappings[0].size: exceeds the highest host ID',
      ],
      [
        withUser({ ...mapped, gidMappings: [mapping(0, 100, 10), mapping(10, 109, 1)] }),
        'linux.gidMappings[1]: overlaps linux.gidMappings[0]',
      ],
      [
        withUser({ ...mapped, gidMappings: Array.from({ length: 341 }, (_, id) => mapping(id, id, 1)) }),
        'linux.gidMappings: has 341 entries, the kernel takes 340',
      ],
    ],
  },
  {
    rule: 'process',
    valid: [
      { process: null },
      processWith({ env: ['A=', 'B=c=d'], oomScoreAdj: -1000, user: { umask: 0o777 } }),
      processWith({ ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 7 } }),
      processWith({ execCPUAffinity: { initial: '0-3, 7', final: '' } }),
      processWith({ terminal: true, consoleSize: { height: 18446744073709551615n, width: 0 } }),
    ],
    invalid: [
      [processWith({ cwd: null }), 'process.cwd: is required'],
      [processWith({ cwd: 'tmp' }), 'process.cwd: must be an absolute path, not "tmp"'],
      [processWith({ args: [] }), 'process.args: must have at least one entry'],
      [processWith({ args: null }), 'process.args: must have at least one entry'],
      [
        processWith({ env: ['A=1', 'B', '=C'] }),
        'process.env[1]: must have the form NAME=value, not "B"',
        'process.env[2]: must have the form NAME=value, not "=C"',
      ],
      [processWith({ oomScoreAdj: 1001 }), 'process.oomScoreAdj: must be from -1000 to 1000, not 1001'],
      [processWith({ user: { umask: 512 } }), 'process.user.umask: must be at most 511 (octal 777), not 512'],
      [
        processWith({ ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 8 } }),
        'process.ioPriority.priority: must be from 0 to 7, not 8',
      ],
      [
        processWith({ execCPUAffinity: { final: '3-1' } }),
        'process.execCPUAffinity.final: must be a list of CPUs such as 0-3,7, not "3-1"',
      ],
    ],
  },
  {
    rule: 'rlimits',
    valid: [processWith({ rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615n }] })],
    invalid: [
      [
        processWith({ rlimits: [{ type: 'RLIMIT_TEA', soft: 0, hard: 0 }] }),
        'process.rlimits[0].type: unknown resource "RLIMIT_TEA"',
      ],
      [
        processWith({ rlimits: [0, 0].map(() => ({ type: 'RLIMIT_AS', soft: 1, hard: 1 })) }),
        'process.rlimits[1].type: RLIMIT_AS is already limited by process.rlimits[0]',
      ],
      [
        processWith({ rlimits: [{ type: 'RLIMIT_AS', soft: 9007199254740993n, hard: 9007199254740992n }] }),
        'process.rlimits[0].soft: 9007199254740993 is above the hard limit, 9007199254740992',
      ],
    ],
  },
  {
    rule: 'scheduler',
    valid: [
      { policy: 'SCHED_BATCH', nice: 19 },
      { policy: 'SCHED_RR', priority: 99, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
      { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2048 },
      { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2048, period: 2048 },
    ].map((scheduler) => processWith({ scheduler })),
    invalid: [
      [{ policy: 'SCHED_ISO' }, 'process.scheduler.policy: SCHED_ISO is reserved, Linux does not implement it'],
      [{ policy: 'SCHED_OTHER', nice: -21 }, 'process.scheduler.nice: must be from -20 to 19, not -21'],
      [{ policy: 'SCHED_FIFO' }, 'process.scheduler.priority: must be from 1 to 99 for SCHED_FIFO, not 0'],
      [
        { policy: 'SCHED_IDLE', priority: 1 },
        'process.scheduler.priority: must be 0 for SCHED_IDLE: only SCHED_FIFO and SCHED_RR have a priority',
      ],
      [
        { policy: 'SCHED_OTHER', period: 1 },
        'process.scheduler: runtime, deadline and period are for SCHED_DEADLINE, not for SCHED_OTHER',
      ],
      [
        { policy: 'SCHED_DEADLINE', runtime: 1023, deadline: 1000, period: 5 },
        'process.scheduler.runtime: must be at least 1024 for SCHED_DEADLINE, not 1023',
        'process.scheduler.deadline: 1000 is below the runtime, 1023',
        'process.scheduler.period: 5 is below the deadline, 1000',
      ],
    ].map(([scheduler, ...problems]) => [processWith({ scheduler }), ...(problems as string[])] as const),
  },
  {
    rule: 'hostname',
    valid: [
      { hostname: 'x'.repeat(64), domainname: 'y' },
      { hostname: '', ...namespaces('mount') },
    ],
    invalid: [
      [{ hostname: 'x', ...namespaces('mount') }, 'hostname: needs a uts namespace'],
      [{ domainname: 'x', ...namespaces('mount') }, 'domainname: needs a uts namespace'],
      [{ hostname: 'ü'.repeat(33) }, 'hostname: is longer than 64 bytes'],
    ],
  },
  {
    rule: 'hooks',
    valid: [{ hooks: { prestart: [{ path: '/bin/true', timeout: 1 }] } }],
    invalid: [
      [{ hooks: { poststop: [{ path: 'true' }] } }, 'hooks.poststop[0].path: must be an absolute path, not "true"'],
      [
        { hooks: { poststart: [{ path: '/x', timeout: 0 }] } },
        'hooks.poststart[0].timeout: must be an integer from 1 to 9007199254740991, not 0',
      ],
    ],
  },
  {
    rule: 'annotations',
    valid: [{ annotations: { 'com.example.key': '', __proto__x: 'y' } }],
    invalid: [[{ annotations: { '': 'x' } }, 'annotations: must not have an empty key']],
  },
  {
    rule: 'namespaces',
    valid: [linux({ namespaces: [{ type: 'pid', path: '/proc/1/ns/pid' }] })],
    invalid: [
      [namespaces('pid', 'ipc', 'pid'), 'linux.namespaces[2].type: pid is already listed as linux.namespaces[0]'],
      [
        linux({ namespaces: [{ type: 'pid', path: 'ns' }] }),
        'linux.namespaces[0].path: must be an absolute path, not "ns"',
      ],
    ],
  },
  {
    rule: 'user namespace',
    valid: [withUser(mapped), linux({ namespaces: [{ type: 'user', path: '/ns' }] })],
    invalid: [
      [linux(mapped), 'linux.uidMappings: needs a user namespace', 'linux.gidMappings: needs a user namespace'],
      [withUser({ uidMappings: mapped.uidMappings }), 'linux.gidMappings: is required for a new user namespace'],
      [
        { ...processWith({ user: { uid: 10, gid: 11, additionalGids: [9, 12] } }), ...withUser(mapped) },
        'process.user.uid: 10 is not mapped by linux.uidMappings',
        'process.user.gid: 11 is not mapped by linux.gidMappings',
        'process.user.additionalGids[1]: 12 is not mapped by linux.gidMappings',
      ],
    ],
  },
  {
    rule: 'time offsets',
    valid: [linux({ timeOffsets: { boottime: { secs: -5, nanosecs: 999999999 } } }), linux({ timeOffsets: {} })],
    invalid: [
      [linux({ timeOffsets: { boottime: { secs: 1 } }, namespaces: [] }), 'linux.timeOffsets: needs a time namespace'],
      [
        linux({ timeOffsets: { boottime: { secs: 1 } }, namespaces: [{ type: 'time', path: '/ns' }] }),
        'linux.timeOffsets: needs a new time namespace, not one by path',
      ],
      [
        linux({ timeOffsets: { realtime: {} } }),
        'linux.timeOffsets.realtime: is unknown here: must be monotonic or boottime',
      ],
      [
        linux({ timeOffsets: { monotonic: { nanosecs: 1000000000 } } }),
        'linux.timeOffsets.monotonic.nanosecs: must be below 1000000000, not 1000000000',
      ],
    ],
  },
  {
    rule: 'devices',
    valid: [
      linux({
        devices: [
          { type: 'p', path: '/x', major: -1 },
          { type: 'b', path: '/y', major: 4095, minor: 1048575 },
        ],
      }),
    ],
    invalid: [
      [
        linux({ devices: [{ type: 'c', path: 'x', major: 1, minor: 3 }] }),
        'linux.devices[0].path: must be an absolute path, not "x"',
      ],
      [linux({ devices: [{ type: 'c', path: '/x' }] }), 'linux.devices[0]: major and minor are required for type c'],
      [
        linux({ devices: [{ type: 'c', path: '/x', major: 4096, minor: -1 }] }),
        'linux.devices[0].major: must be from 0 to 4095, not 4096',
        'linux.devices[0].minor: must be from 0 to 1048575, not -1',
      ],
    ],
  },
  {
    rule: 'net devices',
    valid: [linux({ netDevices: { eth0: {}, eth1: { name: 'net%d' }, eth2: { name: 'net%d' } } })],
    invalid: [
      [linux({ netDevices: { eth0: {} }, namespaces: [] }), 'linux.netDevices: needs a network namespace'],
      [
        linux({ netDevices: { 'eth/0': { name: 'eth0' } } }),
        'linux.netDevices["eth/0"]: "eth/0" cannot be the name of a network device',
      ],
      [
        linux({ netDevices: { eth0: { name: 'a.very.long.name' } } }),
        'linux.netDevices["eth0"].name: "a.very.long.name" cannot be the name of a network device',
      ],
      [
        linux({ netDevices: { eth0: {}, eth1: { name: 'eth0' } } }),
        'linux.netDevices["eth1"].name: eth0 is already the name of linux.netDevices["eth0"]',
      ],
    ],
  },
  {
    rule: 'resources',
    valid: [
      linux({ resources: { devices: [{ allow: false, major: -1, minor: -1, access: 'rwm' }] } }),
      linux({ resources: { memory: { limit: 10, swap: -1, swappiness: 18446744073709551615n } } }),
      linux({ resources: { pids: { limit: 0 }, cpu: { quota: -1, burst: 10, idle: 1 } } }),
      linux({ resources: { unified: { 'memory.high': 'max' }, rdma: { mlx5: { hcaObjects: 1 } } } }),
    ],
    invalid: [
      [
        linux({ resources: { devices: [{ allow: true, major: -2, minor: -3, access: 'rx' }] } }),
        'linux.resources.devices[0].major: must not be negative, not -2',
        'linux.resources.devices[0].minor: must not be negative, not -3',
        'linux.resources.devices[0].access: must consist of r, w and m, not "rx"',
      ],
      [
        linux({ resources: { memory: { reservation: -2 } } }),
        'linux.resources.memory.reservation: must be -1 (no limit) or not negative, not -2',
      ],
      [
        linux({ resources: { memory: { limit: 10, swap: 9, swappiness: 101 } } }),
        'linux.resources.memory.swap: 9 is below the limit, 10: it counts memory and swap together',
        'linux.resources.memory.swappiness: must be from 0 to 100, not 101',
      ],
      [
        linux({ resources: { cpu: { quota: 10, burst: 11, idle: 2 } } }),
        'linux.resources.cpu.burst: 11 is above the quota, 10',
        'linux.resources.cpu.idle: must be 0 or 1, not 2',
      ],
      [
        linux({ resources: { pids: { limit: -2 } } }),
        'linux.resources.pids.limit: must be -1 (no limit) or not negative, not -2',
      ],
      [
        linux({ resources: { blockIO: { weightDevice: [{ major: 8, minor: 0 }] } } }),
        'linux.resources.blockIO.weightDevice[0]: must have weight or leafWeight',
      ],
      [
        linux({ resources: { rdma: { mlx5: {} } } }),
        'linux.resources.rdma["mlx5"]: must have hcaHandles or hcaObjects',
      ],
      [
        linux({ resources: { unified: { '../memory.high': 'max', memory: '1' } } }),
        'linux.resources.unified: "../memory.high" is not the name of a cgroup file such as memory.high',
        'linux.resources.unified: "memory" is not the name of a cgroup file such as memory.high',
      ],
    ],
  },
  {
    rule: 'intelRdt',
    valid: [linux({ intelRdt: { closID: '/', schemata: ['L3:0=f'], memBwSchema: 'MB:0=20' } })],
    invalid: [
      [linux({ intelRdt: { closID: '..' } }), 'linux.intelRdt.closID: must be a file name or /, not ".."'],
      [linux({ intelRdt: { closID: 'a/b' } }), 'linux.intelRdt.closID: must be a file name or /, not "a/b"'],
      [linux({ intelRdt: { l3CacheSchema: 'L3:\n' } }), 'linux.intelRdt.l3CacheSchema: must be one line'],
      [linux({ intelRdt: { schemata: ['x', 'a\nb'] } }), 'linux.intelRdt.schemata[1]: must be one line'],
    ],
  },
  {
    rule: 'memory policy',
    valid: [
      { mode: 'MPOL_DEFAULT' },
      { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING', 'MPOL_F_STATIC_NODES'] },
      { mode: 'MPOL_PREFERRED' },
    ].map((memoryPolicy) => linux({ memoryPolicy })),
    invalid: [
      [{}, 'linux.memoryPolicy.mode: is required'],
      [
        { mode: 'MPOL_LOCAL', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
        'linux.memoryPolicy.nodes: must be empty for MPOL_LOCAL: this mode requires 0 nodes but got 1',
        'linux.memoryPolicy.flags: must be empty for MPOL_LOCAL',
      ],
      [{ mode: 'MPOL_INTERLEAVE' }, 'linux.memoryPolicy.nodes: is required for MPOL_INTERLEAVE'],
      [
        { mode: 'MPOL_BIND', nodes: 'x' },
        'linux.memoryPolicy.nodes: must be a list of memory nodes such as 0-3,7, not "x"',
      ],
      [
        { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] },
        'linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other',
      ],
      [
        { mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] },
        'linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING does not go with MPOL_INTERLEAVE',
      ],
    ].map(([memoryPolicy, ...problems]) => [linux({ memoryPolicy }), ...(problems as string[])] as const),
  },
  {
    rule: 'sysctl',
    valid: [
      linux({ sysctl: { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/eth0.1/forwarding': '1' } }),
      linux({ sysctl: { 'kernel.sem': '1', 'fs.mqueue.msg_max': '1', 'kernel.domainname': 'x' } }),
      { domainname: 'x', ...linux({ sysctl: { 'kernel.domainname': 'x' } }) },
      { hostname: 'x', ...linux({ sysctl: { 'kernel/hostname': 'x' } }) },
      withUser({ ...mapped, sysctl: { 'user.max_pid_namespaces': '1' } }),
    ],
    invalid: [
      [
        linux({ sysctl: { 'kernel.panic': '1' } }),
        'linux.sysctl["kernel.panic"]: is not namespaced: it would change the host',
      ],
      [
        linux({ sysctl: { 'vm/swappiness': '1' } }),
        'linux.sysctl["vm/swappiness"]: is not namespaced: it would change the host',
      ],
      [
        linux({ sysctl: { 'net.core.somaxconn': '1' }, namespaces: [] }),
        'linux.sysctl["net.core.somaxconn"]: needs a namespace of type network',
      ],
      [
        linux({ sysctl: { 'net/../kernel/core_pattern': 'x' } }),
        'linux.sysctl["net/../kernel/core_pattern"]: "net/../kernel/core_pattern" is not the name of a kernel parameter',
      ],
      [
        linux({ sysctl: { 'net.//.kernel.core_pattern': 'x' } }),
        'linux.sysctl["net.//.kernel.core_pattern"]: "net.//.kernel.core_pattern" is not the name of a kernel parameter',
      ],
      [linux({ sysctl: { 'kernel.hostname': 'x' } }), 'linux.sysctl["kernel.hostname"]: set hostname instead'],
      [
        { hostname: 'y', ...linux({ sysctl: { 'kernel.hostname': 'x' } }) },
        'linux.sysctl["kernel.hostname"]: set hostname instead',
      ],
      [
        { domainname: 'x', ...linux({ sysctl: { 'kernel.domainname': 'y' } }) },
        'linux.sysctl["kernel.domainname"]: clashes with domainname, "x"',
      ],
    ],
  },
  {
    rule: 'seccomp',
    valid: [
      { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 },
      { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4095 },
      { defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 65535 },
      { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
      { defaultAction: 'SCMP_ACT_LOG', defaultErrnoRet: 1 },
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/s',
        listenerMetadata: 'x',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
      },
    ].map((seccomp) => linux({ seccomp })),
    invalid: [
      [
        { defaultAction: 'SCMP_ACT_NOTIFY', defaultErrnoRet: 1, listenerMetadata: 'x' },
        'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default',
        'linux.seccomp.defaultErrnoRet: does not go with SCMP_ACT_NOTIFY',
        'linux.seccomp.listenerMetadata: needs listenerPath',
      ],
      [
        {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [
            { names: ['write'], action: 'SCMP_ACT_NOTIFY' },
            {
              names: ['read'],
              action: 'SCMP_ACT_ALLOW',
              errnoRet: 1,
              args: [{ index: 6, value: 18446744073709551615n, op: 'SCMP_CMP_EQ' }],
            },
          ],
        },
        'linux.seccomp.listenerPath: is required for SCMP_ACT_NOTIFY',
        'linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY cannot be used for the write syscall',
        'linux.seccomp.syscalls[1].errnoRet: does not go with SCMP_ACT_ALLOW',
        'linux.seccomp.syscalls[1].args[0].index: must be from 0 to 5, not 6',
      ],
      [
        {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: 65536,
          syscalls: [
            { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 4096 },
            { names: ['write'], action: 'SCMP_ACT_TRACE', errnoRet: 65536 },
          ],
        },
        'linux.seccomp.defaultErrnoRet: must be from 0 to 4095, not 65536',
        'linux.seccomp.syscalls[0].errnoRet: must be from 0 to 4095, not 4096',
        'linux.seccomp.syscalls[1].errnoRet: must be from 0 to 65535, not 65536',
      ],
      [
        { defaultAction: 'SCMP_ACT_KILL', defaultErrnoRet: 1 },
        'linux.seccomp.defaultErrnoRet: does not go with SCMP_ACT_KILL',
      ],
    ].map(([seccomp, ...problems]) => [linux({ seccomp }), ...(problems as string[])] as const),
  },
  {
    rule: 'restricted paths',
    valid: [linux({ maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys'] })],
    invalid: [
      [
        linux({ maskedPaths: ['/a'], readonlyPaths: ['b'], namespaces: [] }),
        'linux.maskedPaths: needs a mount namespace',
        'linux.readonlyPaths: needs a mount namespace',
        'linux.readonlyPaths[0]: must be an absolute path, not "b"',
      ],
    ],
  },
  {
    rule: 'personality',
    valid: [linux({ personality: { domain: 'LINUX32' } })],
    invalid: [
      [linux({ personality: { domain: 'LINUX', flags: ['X'] } }), 'linux.personality.flags[0]: unsupported flag "X"'],
    ],
  },
  {
    rule: 'NUL',
    valid: [processWith({ args: ['a\u0001'] })],
    invalid: [[processWith({ args: ['a', 'b\0c'] }), 'process.args[1]: must not contain a NUL character']],
  },
]

for (const { rule, valid, invalid } of cases) {
  t.test(rule, (t) => {
    for (const patch of valid) t.strictSame(outcome(patch).problems, [], stringify(patch as Json))
    for (const [patch, ...problems] of invalid)
      t.strictSame(outcome(patch).problems, problems, stringify(patch as Json))
    t.end()
  })
}

t.test('warnings', (t) => {
  t.strictSame(outcome({ mounts: [{ destination: 'proc', type: 'proc' }] }).warnings, [
    'mounts[0].destination: relative paths are deprecated: taken as /proc',
  ])
  t.strictSame(outcome(processWith({ capabilities: { bounding: ['CAP_CHOWN', 'cap_kill', 'CAP_FLY'] } })).warnings, [
    'process.capabilities.bounding[2]: unknown capability "CAP_FLY" is left out',
  ])
  t.strictSame(outcome({ vm: { kernel: { path: '/k' } }, process: { user: { username: 'x' } } }).warnings, [
    'process.user.username: ignored: it is for Windows',
    'vm: ignored: it is for virtual machines',
  ])
  t.end()
})
