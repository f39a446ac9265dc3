// Plans of exec: two golden plans, and properties of all plans.

import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { NamespaceType } from '../config/config.ts'
import type { JsonObject } from '../config/json.ts'
import { stringify } from '../config/json.ts'
import { parseConfig } from '../config/parse-config.ts'
import type { HostProbe } from '../native.ts'
import { PR_SET_DUMPABLE } from '../steps/constants.ts'
import type { Step, StepOf } from '../steps/launch-plan.ts'
import type { Op } from '../steps/step-table.ts'
import { processOfFlags } from './exec-process.ts'
import { configWith } from './fixtures/cases.ts'
import { hybridHost, unifiedHost } from './fixtures/hosts.ts'
import { noProcessFlags } from './fixtures/process-flags.ts'
import { hostFacts } from './host-facts.ts'
import { type ExecOptions, type ExecPlan, type ExecTarget, planExec } from './plan-exec.ts'
import { printPlan } from './print.ts'
import { forgotten, undeclared } from './testing/open-slots.ts'

interface Launch {
  readonly config?: JsonObject
  readonly host?: HostProbe
  readonly tty?: boolean
  readonly target?: Partial<ExecTarget>
  readonly options?: Partial<ExecOptions>
}

function planOf({ config = {}, host = unifiedHost, tty = false, target = {}, options = {} }: Launch): ExecPlan {
  const parsed = parseConfig(stringify(configWith(config)), 'config.json').config
  const process = processOfFlags(parsed, { ...noProcessFlags, tty }, ['ls', '-l'])
  const joined = {
    pid: 4711,
    startTime: '815',
    bundle: '/bundle',
    cgroups: { '': '/sys/fs/cgroup/web' },
    own: [],
    ...target,
  }
  return planExec(parsed, process, joined, hostFacts(host), {
    id: 'web',
    keyring: 'new',
    preserveFds: [],
    consoleSocket: undefined,
    subgroups: [],
    ...options,
  })
}

const namespaces = (...types: readonly NamespaceType[]) => types.map((type) => ({ type }))
const range = [{ containerID: 0, hostID: 100000, size: 65536 }]

const cases: Readonly<Record<string, Launch>> = {
  exec: {
    host: hybridHost,
    target: {
      cgroups: {
        cpu: '/sys/fs/cgroup/cpu/web',
        cpuacct: '/sys/fs/cgroup/cpu/web',
        pids: '/sys/fs/cgroup/pids/web',
        '': '/sys/fs/cgroup/unified/web',
      },
    },
  },
  'exec-terminal': {
    config: {
      process: {
        noNewPrivileges: false,
        oomScoreAdj: 10,
        user: { uid: 1000, gid: 1000 },
        execCPUAffinity: { initial: '0', final: '0-1,64' },
      },
      linux: {
        namespaces: namespaces('pid', 'mount', 'user', 'cgroup', 'uts'),
        uidMappings: range,
        gidMappings: range,
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] },
      },
      hostname: 'web',
    },
    tty: true,
    target: { initCgroup: '/sys/fs/cgroup/web/init.scope' },
    options: { consoleSocket: '/run/tty.sock', preserveFds: [3, 6] },
  },
}

const steps = <O extends Op>({ plan }: ExecPlan, op: O): StepOf<O>[] =>
  [...plan.runtimeSteps, ...plan.containerSteps].filter((step): step is Extract<Step, StepOf<O>> => step.op === op)

t.test('exec: the plan equals the golden plan', (t) => {
  const file = 'src/plan/fixtures/exec.plan.txt'
  const text = printPlan(planOf(cases.exec as Launch).plan).replace(/(filter|mask)=<[^>]*>/g, '$1=<…>')
  if (process.env.RUNT_UPDATE_GOLDEN === '1') writeFileSync(file, text)
  t.equal(text, readFileSync(file, 'utf8'), `${file} (RUNT_UPDATE_GOLDEN=1 writes it)`)
  t.end()
})

for (const [name, launch] of Object.entries(cases)) {
  t.test(`${name}: init is not dumpable before it joins anything`, (t) => {
    const { containerSteps } = planOf(launch).plan
    const hidden = containerSteps.findIndex((step) => step.op === 'prctl' && step.option === PR_SET_DUMPABLE)
    t.ok(hidden >= 0 && hidden < containerSteps.findIndex(({ op }) => op === 'setns'))
    t.end()
  })

  t.test(`${name}: exec creates no namespace`, (t) => {
    const ops = new Set(
      [...planOf(launch).plan.runtimeSteps, ...planOf(launch).plan.containerSteps].map(({ op }) => op),
    )
    for (const op of ['unshare', 'mkdirat', 'mount', 'move_mount', 'sethostname', 'run_hook', 'pivot_root'] as const)
      t.notOk(ops.has(op), op)
    t.equal(steps(planOf(launch), 'clone')[0]?.flags, 0)
    t.end()
  })
}

t.test('the namespaces of the config are joined at once, but for those we are in', (t) => {
  const config = { linux: { namespaces: namespaces('mount', 'uts', 'user'), uidMappings: range, gidMappings: range } }
  t.match(steps(planOf({ config }), 'setns'), [{ nstype: 0x10000000 | 0x00020000 | 0x04000000 }])
  t.match(steps(planOf({ config, target: { own: ['user'] } }), 'setns'), [{ nstype: 0x00020000 | 0x04000000 }])
  t.match(
    steps(planOf({ config, target: { own: ['user'], more: ['time'] } }), 'setns'),
    [{ nstype: 0x00020000 | 0x04000000 | 0x00000080 }],
    'and those that CRIU made',
  )
  t.end()
})

t.test('init gets into the pid namespace when its privileges are gone, and holds nothing of the host', (t) => {
  for (const tty of [false, true]) {
    const { plan } = planOf({ tty, host: hybridHost, target: { cgroups: { cpu: '/c/web', memory: '/m/web' } } })
    const ops = plan.containerSteps.map(({ op }) => op)
    const fork = ops.indexOf('fork')
    for (const op of ['capset', 'capbset_drop', 'setgroups', 'chdir', 'find_executable'] as const)
      t.ok(ops.lastIndexOf(op) < fork && ops.includes(op), `${op} comes before`)
    t.ok(ops.indexOf('setsid') > fork && ops.indexOf('setsid') < ops.indexOf('execve'), 'the process leads its session')
    t.ok(
      ops.indexOf('close') < ops.indexOf('setns'),
      'the files of the cgroups are closed before a namespace is joined',
    )
    t.same(undeclared(plan), [])
    t.same(forgotten(plan), [])
  }
  const config = { process: { scheduler: { policy: 'SCHED_BATCH' } } }
  const ops = planOf({ config }).plan.containerSteps.map(({ op }) => op)
  t.ok(ops.indexOf('fork') < ops.indexOf('sched_setattr'), 'a policy that may not be inherited is set in the child')
  t.end()
})

t.test('init forks for a pid namespace only', (t) => {
  for (const [types, forks] of [
    [['mount', 'pid'], 1],
    [['mount', 'time'], 0],
  ] as const) {
    const planned = planOf({ config: { linux: { namespaces: namespaces(...types) }, hostname: '' } })
    t.equal(steps(planned, 'fork').length, forks)
    t.equal(steps(planned, 'clone')[0]?.forks, forks)
  }
  t.end()
})

t.test('without a mount namespace the root of the first process is entered, and checked to be its', (t) => {
  const root = { path: 'rootfs', readonly: false }
  const config = { root, linux: { namespaces: namespaces('uts'), maskedPaths: [], readonlyPaths: [] }, hostname: 'x' }
  const { runtimeSteps } = planOf({ config }).plan
  const open = runtimeSteps.findIndex((step) => step.op === 'openat2' && step.path === '/proc/4711/root')
  t.ok(open >= 0 && open < runtimeSteps.findIndex(({ op }) => op === 'pidfd_open'))
  t.equal(steps(planOf({ config }), 'chroot').length, 1)
  t.end()
})
