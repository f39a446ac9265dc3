// Documents: config.json up to the plan, the files of `exec` and `update`, and a container's state.json.

import { mergeResources, updateResources } from '../../src/cgroup/merge-resources.ts'
import { planUpdate } from '../../src/cgroup/plan-update.ts'
import { stringify } from '../../src/config/json.ts'
import { parseConfig, parseProcess, parseResources, validateConfig } from '../../src/config/parse-config.ts'
import { loadSchemas, membersByPath } from '../../src/config/testing/schema.ts'
import { cases, configWith } from '../../src/plan/fixtures/cases.ts'
import { hybridHost, labelledHost, unifiedHost, userHost } from '../../src/plan/fixtures/hosts.ts'
import { hostFacts } from '../../src/plan/host-facts.ts'
import { planCreate } from '../../src/plan/plan.ts'
import { planExec } from '../../src/plan/plan-exec.ts'
import { planJson, printPlan } from '../../src/plan/print.ts'
import { findContainer } from '../../src/state/load-container.ts'
import { cgroupDirectories, encodeRecord, mainCgroup } from '../../src/state/record.ts'
import { stateObject } from '../../src/state/state-object.ts'
import { marshal } from '../../src/systemd/dbus-values.ts'
import { locate } from '../../src/validate/findings.ts'
import { anyHost, anyOptions, planProblems } from '../../src/validate/plan-problems.ts'
import { nativeOf } from '../native.ts'
import { holds, orRuntError, same, type Target, textOf } from '../target.ts'

const members = membersByPath(loadSchemas('spec-schemas'), 'config.json')
/** Names of properties, and the values in the schema's lists. */
const words = [
  ...new Set(
    [...members].flatMap(([path, { name, place }]) => [
      name,
      path.split('.')[0] ?? '',
      ...((place.schema.enum ?? []) as string[]),
    ]),
  ),
]
const hosts = [hybridHost, unifiedHost, userHost, labelledHost].map((host) => hostFacts(host))
const options = {
  id: 'web',
  bundle: '/bundle',
  stateDirectory: '/state/web',
  claims: '/run/runt.lock',
  rootSwitch: 'pivot_root',
  keyring: 'new',
  preserveFds: [],
  consoleSocket: '/tty',
} as const

function config(input: Uint8Array): void {
  const text = textOf(input)
  const parsed = orRuntError(() => parseConfig(text, 'config.json', input.length % 8 === 0 ? '/agent' : undefined))
  const checked = orRuntError(() => validateConfig(text, 'config.json'))
  if (input.length % 8 !== 0)
    holds(
      'validate has another opinion',
      checked === undefined ? parsed === undefined : (parsed === undefined) === checked.problems.length > 0,
    )
  const lines = text.split('\n').length
  for (const { line, column } of locate([...(checked?.problems ?? []), ...(checked?.warnings ?? [])], {
    file: '',
    text,
  }))
    holds(`position ${line}:${column}`, line >= 1 && line <= lines && column >= 1)
  for (const { message } of checked?.problems ?? []) holds(`message: ${message}`, message !== '')
  if (parsed === undefined) return
  const host = hosts[input.length % hosts.length] as (typeof hosts)[number]
  const mode = input.length % 3 === 0 ? 'run' : 'create'
  const systemd =
    input.length % 5 === 0
      ? { kind: 'system' as const, version: 240 + (input.length % 20), controlGroup: '' }
      : undefined
  planProblems(parsed.config, anyHost(host.arch), anyOptions('x', '/bundle'))
  const created = orRuntError(() => planCreate(parsed.config, host, { ...options, mode, systemd }))
  if (created === undefined) return
  for (const { name, signature, value } of created.cgroup.unit?.properties ?? []) {
    holds(`property ${name}`, /^[A-Za-z0-9]+$/.test(name))
    marshal([], signature, [value])
  }
  const { runtimeSteps, containerSteps } = created.plan
  for (const step of [...runtimeSteps, ...containerSteps])
    for (const [name, value] of Object.entries(step))
      holds(
        `${step.op}.${name}: ${String(value)}`,
        typeof value === 'string' ? !value.includes('\0') : !Number.isNaN(value),
      )
  JSON.parse(planJson(created.plan))
  printPlan(created.plan)
}

const container = parseConfig(stringify(configWith({ linux: { resources: { memory: { limit: 4096 } } } })), 'x').config
const target = { pid: 4711, startTime: '815', bundle: '/bundle', cgroups: { '': '/sys/fs/cgroup/web' }, own: [] }
const execOptions = { id: 'web', keyring: 'new', preserveFds: [], consoleSocket: '/tty', subgroups: [] } as const
const paths = {
  '': '/c/web',
  cpu: '/c/web',
  cpuset: '/c/web',
  memory: '/c/web',
  pids: '/c/web',
  blkio: '/c/web',
  devices: '/c/web',
}

/** A process for `exec`, or resources for `update`. */
function parts(input: Uint8Array): void {
  const text = textOf(input)
  const host = hosts[input.length % hosts.length] as (typeof hosts)[number]
  const parsed = orRuntError(() => parseProcess(text, 'process.json'))
  if (parsed !== undefined) {
    const joined = orRuntError(() => planExec(container, parsed.process, target, host, execOptions))
    if (joined !== undefined) printPlan(joined.plan)
  }
  const resources = orRuntError(() => parseResources(text, 'resources.json'))
  if (resources === undefined) return
  same('kept and read', stringify(parseResources(stringify(resources), 'x')), stringify(resources))
  const all = mergeResources(container.linux.resources, resources)
  const change = updateResources(container.linux.resources, resources)
  for (const asked of [all, change])
    orRuntError(() =>
      planUpdate({ resources: asked, paths, rootless: false, devicesList: 'a *:* rwm', usage: '4096' }, host.cgroups, {
        allocate: () => 1,
      }),
    )
}

/** Whatever a state directory contains, a command works or reports it. */
function state(input: Uint8Array): void {
  const native = nativeOf({ readFile: () => textOf(input), exists: () => true })
  const found = orRuntError(() => findContainer(native, '/run/runt', 'web'))
  holds('nothing is found', found !== undefined && found.kind !== 'none')
  if (found?.kind !== 'container') return
  const { record } = found
  const { hooks, startSteps, rdt, hostMounts } = record
  holds('a cgroup', ['string', 'undefined'].includes(typeof mainCgroup(record)))
  holds(
    'directories',
    cgroupDirectories(record).every((path) => typeof path === 'string'),
  )
  for (const hook of [...hooks.poststart, ...hooks.poststop]) holds('a hook', typeof hook.path === 'string')
  for (const step of startSteps.steps) holds('a step', typeof step.from === 'string')
  for (const path of [...(rdt?.tasks ?? []), ...(rdt?.directories ?? [])]) holds('a path', typeof path === 'string')
  for (const id of hostMounts ?? []) holds('an id', typeof id === 'number')
  for (const value of Object.values(stateObject(record, 'running'))) holds('a value', value !== undefined)
  same('saved and read', JSON.parse(encodeRecord(record)), JSON.parse(textOf(input)))
}

const recordWords = [
  'id',
  'pid',
  'cgroups',
  'hooks',
  'poststart',
  'poststop',
  'startSteps',
  'steps',
  'first',
  'unit',
  'name',
  'kind',
  'rdt',
  'hostMounts',
  'annotations',
]

/** The configs of the planner's golden plans. */
const seeds = Object.values(cases).map(({ config }) => Buffer.from(stringify(config)))

export const documents: readonly Target[] = [
  { name: 'config', form: 'json', words, seeds, run: config },
  { name: 'config-parts', form: 'json', words, run: parts },
  { name: 'state', form: 'json', words: recordWords, run: state },
]
