// Properties of every plan, checked for each case in fixtures/cases.ts. Two plans are also compared with a printed copy,
// fixtures/<name>.plan.txt (RUNT_UPDATE_GOLDEN=1 rewrites them). The effect of a config property is tested beside its planner.

import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { planSchema } from '../../scripts/plan-schema.ts'
import type { JsonObject } from '../config/json.ts'
import { OPEN_TREE_CLONE, PR_SET_DUMPABLE } from '../steps/constants.ts'
import { type LaunchPlan, type Step, SYNC_MAPPED, slotsOf } from '../steps/launch-plan.ts'
import { type Case, cases, configWith, defaultMounts } from './fixtures/cases.ts'
import { unifiedHost } from './fixtures/hosts.ts'
import { planOf, planWith, stepsOf } from './fixtures/plan-of.ts'
import type { CreatePlan } from './plan.ts'
import { planJson, printPlan } from './print.ts'

/** PLAN_FEW_SLOTS of addon/machine/plan_block.h: more may need a higher limit of open files. */
const FEW_SLOTS = 256

const isPlan = new Ajv({ strict: false }).compile(JSON.parse(planSchema()))

const update = process.env.RUNT_UPDATE_GOLDEN === '1'

/** Hides the size of seccomp programs: the compiler has its own tests. */
const render = ({ plan, warnings }: CreatePlan): string =>
  printPlan(plan).replace(/(filter|program)=<[^>]*>/g, '$1=<…>') +
  warnings.map((warning) => `warning: ${warning}\n`).join('')

const runtimeOnly = [
  'claim_cgroup',
  'clone',
  'write_child',
  'map_ids',
  'save_state',
  'start_unit',
  'attach_unit',
  'write_pid',
  'sync_exec',
  'mkfifo',
  'socketpair',
  'receive_terminal',
  'keep',
  'move_netdev',
]
const initOnly = [
  'fork',
  'start_wait',
  'find_executable',
  'find_home',
  'dup3',
  'execve',
  'pivot_root',
  'seccomp',
  'capset',
  'setresuid',
]

const misplaced = ({ runtimeSteps, containerSteps }: LaunchPlan): string[] => [
  ...runtimeSteps.filter(({ op }) => initOnly.includes(op)).map(({ op }) => op),
  ...containerSteps.filter(({ op }) => runtimeOnly.includes(op)).map(({ op }) => op),
]

/** Slots that are read before any step could have filled them, on either side. */
function unfilled({ slots, runtimeSteps, containerSteps }: LaunchPlan): string[] {
  const inherit = runtimeSteps.flatMap((step) => (step.op === 'clone' ? step.inherit.map(Number) : []))
  return [...readTooEarly(runtimeSteps, new Set([0])), ...readTooEarly(containerSteps, new Set([0, ...inherit]))].map(
    ([step, slot]) => `${step.from}: ${step.op} reads ${slots[slot]}`,
  )
}

function readTooEarly(steps: readonly Step[], filled: Set<number>): [Step, number][] {
  const found: [Step, number][] = []
  for (const step of steps) {
    for (const slot of slotsOf([step], 'slot')) if (!filled.has(slot)) found.push([step, slot])
    for (const slot of slotsOf([step], 'into')) filled.add(slot)
  }
  return found
}

/** Each side waits for what the other sends, in the same order; the two directions are independent. */
function unpaired({ runtimeSteps, containerSteps }: LaunchPlan): unknown[] {
  const points = (steps: readonly Step[], op: string) =>
    steps.flatMap((step) => (step.op === op && 'point' in step ? [step.point] : [])).join()
  const pairs = [
    [points(runtimeSteps, 'sync_send'), points(containerSteps, 'sync_wait')],
    [points(containerSteps, 'sync_send'), points(runtimeSteps, 'sync_wait')],
  ]
  return pairs.filter(([sent, awaited]) => sent !== awaited)
}

/**
 * Trees cloned in the host's namespace and passed to init as peers of the host's mounts: mounts below them would
 * propagate to the host.
 */
function peersOfTheHost({ slots, runtimeSteps, containerSteps }: LaunchPlan): (string | undefined)[] {
  const cut = new Set(
    [...runtimeSteps, ...containerSteps].flatMap((step) =>
      step.op === 'mount_setattr' && (step.propagation ?? 0) !== 0 ? [step.fd] : [],
    ),
  )
  return runtimeSteps.flatMap((step) =>
    step.op === 'open_tree' && Number(step.flags) & OPEN_TREE_CLONE && !cut.has(step.into) ? [slots[step.into]] : [],
  )
}

/** Steps at which a forking init has no final pid yet, or can be traced from the pid namespace it enters. */
function badForks({ runtimeSteps, containerSteps }: LaunchPlan): string[] {
  const fork = containerSteps.findIndex(({ op }) => op === 'fork')
  if (fork < 0) return []
  const hidden = containerSteps.slice(0, fork).some((step) => step.op === 'prctl' && step.option === PR_SET_DUMPABLE)
  const save = runtimeSteps.findIndex(({ op }) => op === 'save_state')
  const waited = runtimeSteps.slice(0, save).some((step) => step.op === 'sync_wait' && Number(step.point) > SYNC_MAPPED)
  return [...(hidden ? [] : ['dumpable']), ...(waited ? [] : ['recorded before it forks'])]
}

/** Namespaces that init joins while their processes could trace it. */
function joinsDumpable({ containerSteps }: LaunchPlan): string[] {
  const join = containerSteps.findIndex(({ op }) => op === 'setns')
  const hidden = containerSteps.findIndex(
    (step) => step.op === 'prctl' && step.option === PR_SET_DUMPABLE && step.arg2 === 0,
  )
  return join >= 0 && (hidden < 0 || hidden > join) ? [(containerSteps[join] as Step).from] : []
}

for (const name of ['default-v2', 'docker'] as const) {
  t.test(`${name}: the plan equals the golden plan`, (t) => {
    const file = `src/plan/fixtures/${name}.plan.txt`
    const text = render(planOf(cases[name] as Case))
    if (update) writeFileSync(file, text)
    t.equal(text, readFileSync(file, 'utf8'), `${file} (RUNT_UPDATE_GOLDEN=1 writes it)`)
    t.end()
  })
}

for (const [name, launch] of Object.entries(cases)) {
  t.test(`${name}: the invariants of every plan`, (t) => {
    const { plan } = planOf(launch)
    t.same(misplaced(plan), [], 'the steps of one side only are in its list')
    t.same(unfilled(plan), [], 'no step reads a slot that nothing has filled')
    t.same(unpaired(plan), [], 'each side waits for what the other sends, in the same order')
    t.same(peersOfTheHost(plan), [], 'no mount of the host gets a peer in the container')
    t.same(joinsDumpable(plan), [], 'init joins no namespace before it is not dumpable')
    t.same(badForks(plan), [], 'init forks unseen, and is recorded afterwards')
    t.ok(plan.slots.length < FEW_SLOTS)
    t.same(
      [...plan.runtimeSteps, ...plan.containerSteps].filter(({ from }) => from === ''),
      [],
    )
    t.end()
  })

  t.test(`${name}: the form for programs`, (t) => {
    const { plan } = planOf(launch)
    const parsed = JSON.parse(planJson(plan))
    t.same(Object.keys(parsed), ['slots', 'runtimeSteps', 'containerSteps'])
    t.equal(parsed.runtimeSteps.length, plan.runtimeSteps.length)
    t.equal(parsed.containerSteps.length, plan.containerSteps.length)
    t.equal(parsed.slots.length, plan.slots.length)
    t.ok(isPlan(parsed), JSON.stringify(isPlan.errors?.slice(0, 3)))
    t.end()
  })
}

t.test('mounts come in the order of the config, each finished before the next', (t) => {
  const extra = ['/b', '/a', '/a/c'].map((destination) => ({
    destination,
    type: 'bind',
    source: '/src',
    options: ['rbind'],
  }))
  const planned = planWith({ mounts: [...defaultMounts(), ...extra] })
  const targets = stepsOf(planned, 'move_mount').flatMap(
    ({ from }) => /^mounts\[\d+\].* at (.*)\)$/.exec(from)?.[1] ?? [],
  )
  t.same(
    [...new Set(targets)],
    ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/sys/fs/cgroup', '/b', '/a', '/a/c'],
  )
  t.end()
})

t.test('any number of mounts needs a bounded number of slots', (t) => {
  const mounts = (type: string) =>
    Array.from({ length: 500 }, (_, i) => ({ destination: `/m/${i}`, type, source: '/src', options: ['rw'] }))
  for (const type of ['bind', 'tmpfs']) {
    const { plan } = planWith({ mounts: [...defaultMounts(), ...mounts(type)] })
    t.ok(plan.slots.length < FEW_SLOTS, `${plan.slots.length} slots for 500 mounts of ${type}`)
  }
  t.end()
})

t.test('any number of masked and read-only paths, devices and limits needs a bounded number of slots', (t) => {
  const many = Array.from({ length: 500 }, (_, i) => i)
  const { plan } = planWith({
    linux: {
      maskedPaths: many.map((i) => `/proc/m${i}`),
      readonlyPaths: many.map((i) => `/proc/r${i}`),
      devices: many.map((i) => ({ path: `/dev/x/d${i}`, type: 'c', major: 10, minor: i })),
    },
  })
  t.ok(plan.slots.length < FEW_SLOTS, `${plan.slots.length} slots`)
  t.end()
})

t.test('with a user namespace each bind mount has a slot of its own, for the runtime clones it', (t) => {
  const count = 20_000
  const mounts = Array.from({ length: count }, (_, i) => ({ destination: `/m/${i}`, type: 'bind', source: '/src' }))
  const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const linux = { namespaces: [{ type: 'user' }, { type: 'mount' }], uidMappings: range, gidMappings: range }
  const { plan } = planWith({ hostname: '', mounts, linux })
  const clone = plan.runtimeSteps.find(({ op }) => op === 'clone')
  t.ok(clone?.op === 'clone' && clone.inherit.length >= count)
  t.end()
})

t.test('the same config gives the same plan', (t) => {
  const config: JsonObject = configWith({})
  t.same(planOf({ config, host: unifiedHost }), planOf({ config, host: unifiedHost }))
  t.end()
})

t.test('a config without a process can be created but not started', (t) => {
  const { process: _, ...config } = configWith({})
  const { plan } = planOf({ config, host: unifiedHost })
  t.equal(plan.containerSteps.at(-1)?.op, 'start_wait')
  t.notOk(plan.containerSteps.some(({ op }) => op === 'find_executable' || op === 'execve'))
  const options = { mode: 'run' } as const
  t.throws(() => planOf({ config, host: unifiedHost, options }), { code: 'config', path: 'process' })
  t.end()
})
