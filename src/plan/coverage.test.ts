// Every property that config/coverage.ts calls planned changes the plan: each one is set to another valid value in a
// config that has them all, and the plan, or what the commands keep of the config beside it, must differ. For
// properties that cannot show this way, the table says which test covers them.

import t from 'tap'
import type { Config } from '../config/config.ts'
import { planned, rejected } from '../config/coverage.ts'
import { type Json, type JsonObject, stringify } from '../config/json.ts'
import { parseConfig } from '../config/parse-config.ts'
import { loadSchemas, membersByPath } from '../config/testing/schema.ts'
import { RuntError } from '../errors.ts'
import type { HostProbe } from '../native.ts'
import { configWith } from './fixtures/cases.ts'
import { hybridHost, labelledHost, unifiedHost } from './fixtures/hosts.ts'
import { defaultOptions } from './fixtures/plan-of.ts'
import { hookSteps } from './hooks.ts'
import { hostFacts } from './host-facts.ts'
import { planCreate } from './plan.ts'
import { planJson } from './print.ts'

const elsewhere: Readonly<Record<string, string>> = {
  ociVersion: 'config/rules.test.ts: any 1.x.y means the same; the state has it as it is',
  'linux.resources.memory.checkBeforeUpdate': 'cgroup/plan-update.test.ts: only `update` looks at it',
}

const v1 = (controller: string): string =>
  `50 31 0:50 / /sys/fs/cgroup/${controller} rw - cgroup cgroup rw,${controller}`
const controllers = ['blkio', 'hugetlb', 'net_cls', 'net_prio', 'rdma', 'freezer']
const v1Host: HostProbe = {
  ...hybridHost,
  cgroupMounts: [...hybridHost.cgroupMounts, ...controllers.map(v1)],
  ownCgroups: `${controllers.map((name, i) => `${20 + i}:${name}:/`).join('\n')}\n${hybridHost.ownCgroups}`,
}

const hook = [{ path: '/hook', args: ['hook'], env: ['A=b'], timeout: 5 }]
const range = [
  { containerID: 5000, hostID: 100000, size: 1000 },
  { containerID: 0, hostID: 200000, size: 1000 },
]
const device = { major: 8, minor: 0 }
const throttle = [{ ...device, rate: 1000 }]
const offset = { secs: 1, nanosecs: 2 }

/** Configs that together contain every planned property, with values that have an effect. */
const cases: readonly { readonly host: HostProbe; readonly config: JsonObject }[] = [
  {
    host: v1Host,
    config: configWith({
      annotations: { a: 'b' },
      domainname: 'domain',
      root: { path: 'rootfs', readonly: true },
      process: {
        oomScoreAdj: 5,
        user: { uid: 1, gid: 2, umask: 3, additionalGids: [4] },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
        scheduler: { policy: 'SCHED_BATCH', nice: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
        capabilities: Object.fromEntries(
          ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map((set) => [
            set,
            ['CAP_KILL', 'CAP_CHOWN'],
          ]),
        ),
      },
      hooks: Object.fromEntries(
        ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((kind) => [
          kind,
          hook,
        ]),
      ),
      linux: {
        devices: [{ type: 'c', path: '/dev/x', ...device, fileMode: 0o600, uid: 1, gid: 2 }],
        netDevices: { eth0: { name: 'lan' } },
        cgroupsPath: '/some/where',
        sysctl: { 'net.ipv4.ip_forward': '1' },
        rootfsPropagation: 'slave',
        personality: { domain: 'LINUX' },
        memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
        seccomp: {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: 1,
          architectures: ['SCMP_ARCH_X86_64'],
          flags: ['SECCOMP_FILTER_FLAG_LOG'],
          listenerPath: '/agent',
          listenerMetadata: 'meta',
          syscalls: [
            {
              names: ['getpid'],
              action: 'SCMP_ACT_ERRNO',
              errnoRet: 2,
              args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
            },
            { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' },
          ],
        },
        resources: {
          devices: [{ allow: true, type: 'c', ...device, access: 'r' }],
          pids: { limit: 10 },
          network: { classID: 3, priorities: [{ name: 'eth0', priority: 4 }] },
          rdma: { mlx: { hcaHandles: 3, hcaObjects: 4 } },
          hugepageLimits: [{ pageSize: '2MB', limit: 4 }],
          cpu: {
            ...{ shares: 1000, quota: 50000, burst: 1000, period: 100000, realtimeRuntime: 100, realtimePeriod: 1000 },
            ...{ cpus: '0', mems: '0', idle: 1 },
          },
          memory: {
            ...{ limit: 8000000, reservation: 4000000, swap: 9000000, kernel: 7000000, kernelTCP: 6000000 },
            ...{ swappiness: 3, disableOOMKiller: true, useHierarchy: true },
          },
          blockIO: {
            weight: 100,
            weightDevice: [{ ...device, weight: 100 }],
            throttleReadBpsDevice: throttle,
            throttleWriteBpsDevice: throttle,
            throttleReadIOPSDevice: throttle,
            throttleWriteIOPSDevice: throttle,
          },
        },
        intelRdt: {
          closID: 'class',
          schemata: ['L2:0=1'],
          l3CacheSchema: 'L3:0=f',
          memBwSchema: 'MB:0=20',
          enableMonitoring: true,
        },
      },
    }),
  },
  {
    host: labelledHost,
    config: configWith({
      process: {
        selinuxLabel: 'u:r:t:s0',
        terminal: true,
        consoleSize: { height: 24, width: 80 },
        scheduler: { policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 3000, period: 4000 },
      },
      mounts: [
        { destination: '/a', source: '/b', options: ['bind'], uidMappings: range, gidMappings: range },
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/c', type: 'tmpfs', source: 'tmpfs' },
      ],
      linux: {
        mountLabel: 'u:o:t:s0',
        resources: { unified: { 'memory.high': '1000' } },
      },
    }),
  },
  {
    host: unifiedHost,
    config: configWith({
      mounts: [{ destination: '/c', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] }],
      process: { apparmorProfile: 'profile', scheduler: { policy: 'SCHED_FIFO', priority: 5 } },
      linux: {
        namespaces: [
          { type: 'network', path: '/ns/net' },
          ...['mount', 'user', 'time', 'uts', 'pid'].map((type) => ({ type })),
        ],
        uidMappings: range,
        gidMappings: range,
        timeOffsets: { monotonic: offset, boottime: offset },
      },
    }),
  },
]

/** Other valid values for properties whose type does not suggest one. */
const values: Readonly<Record<string, readonly Json[]>> = {
  'linux.namespaces[].type': ['ipc'],
  'linux.cgroupsPath': ['/else/where'],
  'linux.resources.cpu.cpus': ['1'],
  'linux.resources.cpu.mems': ['1'],
  'linux.resources.cpu.idle': [0],
  'linux.resources.hugepageLimits[].pageSize': ['1GB'],
  'linux.resources.devices[].access': ['w'],
  'linux.intelRdt.l3CacheSchema': ['L3:0=1'],
  'linux.intelRdt.memBwSchema': ['MB:0=30'],
  'linux.intelRdt.schemata': [['L2:0=3']],
  'linux.memoryPolicy.nodes': ['1'],
  'linux.memoryPolicy.flags': [[]],
  'linux.sysctl': [{ 'net.ipv4.ip_forward': '0' }],
  'linux.resources.unified': [{ 'memory.high': '2000' }],
  'process.env': [['B=c']],
  'process.rlimits[].type': ['RLIMIT_CORE'],
  'linux.seccomp.architectures': [['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']],
  'linux.seccomp.syscalls[].names': [['getppid']],
  'mounts[].type': ['mqueue'],
}

/** Other valid values, by type: nothing but the property itself may differ. */
function others(path: string, old: Json, choices: readonly string[] | undefined): readonly Json[] {
  const given = values[path]
  if (given !== undefined) return given
  if (typeof old === 'boolean') return [!old]
  if (typeof old === 'number') return [old + 1, old - 1]
  if (choices !== undefined) return choices.filter((choice) => choice !== old)
  if (typeof old === 'string') return [`${old}2`]
  if (Array.isArray(old)) return [old.slice(1), [...old, ...old]]
  return [{}]
}

interface Outcome {
  readonly refused: boolean
  /** The plan and what `start` and `delete` need of the config; or the error. */
  readonly text: string
}

function outcome(config: JsonObject, host: HostProbe): Outcome {
  try {
    const parsed = parseConfig(stringify(config), 'config.json').config
    const { plan, cgroup } = planCreate(parsed, hostFacts(host), {
      ...defaultOptions,
      consoleSocket: '/tty',
      resctrl: { mountpoint: '/sys/fs/resctrl' },
    })
    return { refused: false, text: planJson(plan) + JSON.stringify(cgroup.paths) + laterHooks(parsed) }
  } catch (error) {
    if (error instanceof RuntError && error.code !== 'internal') return { refused: true, text: error.message }
    throw error
  }
}

function laterHooks({ hooks }: Config): string {
  const state = { ociVersion: '1.3.0', id: 'web', status: 'running', bundle: '/bundle', annotations: {} } as const
  return JSON.stringify((['poststart', 'poststop'] as const).map((kind) => hookSteps(kind, hooks[kind], state)))
}

/** The value at a path, or undefined. */
function valueAt(document: Json, steps: readonly string[]): Json | undefined {
  let at: Json | undefined = document
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as JsonObject)[nameIn(at as JsonObject, step)]
  }
  return at
}

const nameIn = (object: JsonObject, step: string): string =>
  step === '[]' ? '0' : step === '{}' ? (Object.keys(object)[0] ?? '') : step

function withValue(document: JsonObject, steps: readonly string[], value: Json): JsonObject {
  const copy = structuredClone(document)
  const parent = valueAt(copy, steps.slice(0, -1)) as JsonObject
  parent[nameIn(parent, steps.at(-1) as string)] = value
  return copy
}

const members = membersByPath(loadSchemas('spec-schemas'), 'config.json')
const leaves = [...members.keys()].filter(
  (path) =>
    Object.values(planned)
      .flat()
      .some((entry) => path === entry || isBelow(path, entry)) &&
    ![...members.keys()].some((other) => isBelow(other, path)),
)

/** Lists and maps of scalars are replaced as a whole. */
function isBelow(path: string, entry: string): boolean {
  return path.startsWith(entry) && /^[.[{].*\w/.test(path.slice(entry.length))
}

const isElement = (path: string): boolean => path.endsWith('[]') || path.endsWith('{}')

t.test('the configs are valid, and can be planned', (t) => {
  for (const { config, host } of cases) {
    const { refused, text } = outcome(config, host)
    t.notOk(refused, refused ? text : 'planned')
  }
  t.end()
})

t.test('every planned property changes the plan', (t) => {
  const originals = new Map(cases.map(({ config, host }) => [config, outcome(config, host)]))
  for (const path of leaves.filter((path) => !isElement(path) && !(path in elsewhere))) {
    const steps = path.match(/\[\]|\{\}|[^.[{]+/g) ?? []
    const found = cases.filter(({ config }) => valueAt(config, steps) !== undefined)
    const changes = found.some(({ config, host }) => {
      const before = originals.get(config)
      return others(path, valueAt(config, steps) as Json, members.get(path)?.place.schema.enum).some((value) => {
        const after = outcome(withValue(config, steps, value), host)
        return !after.refused && after.text !== before?.text
      })
    })
    t.ok(changes, found.length === 0 ? `${path}: no config has it` : path)
  }
  for (const path of Object.keys(elsewhere)) t.ok(leaves.includes(path), `${path} is a property that is planned`)
  t.end()
})

t.test('a rejected property is refused by its name', (t) => {
  const blockIO = { weightDevice: [{ ...device, leafWeight: 100 }], leafWeight: 100 }
  const refusing = configWith({ linux: { personality: { domain: 'LINUX', flags: ['X'] } } })
  const texts = [refusing, configWith({ linux: { resources: { blockIO } } })].flatMap((config) => {
    const { refused, text } = outcome(config, v1Host)
    return refused ? [text] : []
  })
  for (const path of Object.keys(rejected)) {
    const shown = path.replace('[]', '[0]')
    t.ok(
      texts.some((text) => text.includes(`${shown}: `) || text.includes(`${shown}[0]: `)),
      path,
    )
  }
  t.end()
})
