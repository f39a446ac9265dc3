// The planner on unknown configs: the official fixtures, random valid configs, and the configs of the golden plans with
// random changes, valid or not (RUNT_FUZZ_RUNS=N for more of these). It returns a plan that obeys the rules of every
// plan, or throws a RuntError that says what this host lacks.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, stringify } from '../config/json.ts'
import { parseConfig } from '../config/parse-config.ts'
import { changed, changes } from '../config/testing/documents.ts'
import { loadSchemas, membersByPath } from '../config/testing/schema.ts'
import { RuntError } from '../errors.ts'
import { type Step, slotsOf } from '../steps/launch-plan.ts'
import { fc } from '../testing/random.ts'
import { cases } from './fixtures/cases.ts'
import { hybridHost, labelledHost, unifiedHost, userHost } from './fixtures/hosts.ts'
import { defaultOptions, planWith } from './fixtures/plan-of.ts'
import { hostFacts } from './host-facts.ts'
import { type CreatePlan, planCreate } from './plan.ts'
import { planJson, printPlan } from './print.ts'
import { forgotten, undeclared } from './testing/open-slots.ts'

const FIXTURES = '../shared/oci/fixtures/config/good'
const hosts = { hybridHost, unifiedHost, userHost, labelledHost }

/** A plan, or undefined if the planner refuses. */
function attempt(make: () => CreatePlan): CreatePlan | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof RuntError && error.code !== 'internal' && error.message !== '') return undefined
    throw error
  }
}

function unfilled(steps: readonly Step[], filled: Set<number>): boolean {
  return steps.some((step) => {
    const reads = [...slotsOf([step], 'slot')].some((slot) => !filled.has(slot))
    for (const slot of slotsOf([step], 'into')) filled.add(slot)
    return reads
  })
}

function check({ plan }: CreatePlan): boolean {
  const inherit = plan.runtimeSteps.flatMap((step) => (step.op === 'clone' ? step.inherit.map(Number) : []))
  JSON.parse(planJson(plan))
  return (
    !/undefined|NaN|\[object/.test(printPlan(plan)) &&
    !unfilled(plan.runtimeSteps, new Set([0])) &&
    !unfilled(plan.containerSteps, new Set([0, ...inherit])) &&
    undeclared(plan).length === 0 &&
    forgotten(plan).length === 0 &&
    // Without a process, init does nothing after it has waited for `start`.
    ['execve', 'start_wait'].includes(plan.containerSteps.at(-1)?.op ?? '')
  )
}

t.test('official configs', { skip: existsSync(FIXTURES) ? false : `no ${FIXTURES}` }, (t) => {
  for (const file of readdirSync(FIXTURES)) {
    for (const [name, host] of Object.entries(hosts)) {
      const planned = attempt(() => {
        const { config } = parseConfig(readFileSync(join(FIXTURES, file), 'utf8'), file)
        return planCreate(config, hostFacts(host), defaultOptions)
      })
      t.ok(planned === undefined || check(planned), `${file} on ${name}${planned === undefined ? ': refused' : ''}`)
    }
  }
  t.end()
})

const flag = fc.boolean()
const option = fc.constantFrom(
  ...['ro', 'rw', 'nosuid', 'rro', 'bind', 'rbind', 'rshared', 'slave', 'idmap', 'ridmap', 'remount', 'tmpcopyup'],
  ...['size=1m', 'mode=755', 'noatime', 'x'.repeat(300)],
)
const mount = fc.record({
  destination: fc.constantFrom('/a', '/dev', '/dev/pts', '/proc', '/dev/stdout', '/sys', '/sys/fs/cgroup', '/a/b'),
  type: fc.constantFrom('bind', 'tmpfs', 'proc', 'devpts', 'sysfs', 'cgroup', 'cgroup2', 'overlay', 'ext4'),
  source: fc.constantFrom('/src', 'none', '/dev/sda', 'cgroup', 'rootfs/a/b'),
  options: fc.array(option, { maxLength: 4 }),
})
const type = fc.constantFrom('pid', 'network', 'ipc', 'mount', 'cgroup', 'time', 'user')
const namespaces = fc
  .uniqueArray(fc.record({ type, path: fc.option(fc.constant('/ns'), { nil: undefined }) }), {
    selector: (one) => one.type,
  })
  .map((list) => list.map(({ type, path }) => (path === undefined ? { type } : { type, path })))

const paths = fc.subarray(['/a/b/c', '/a', '//dev/./shm/', '/proc/net', '/proc', '/sys/fs/cgroup/x', '/x'])

const launch = fc.record({
  mounts: fc.array(mount, { maxLength: 8 }),
  namespaces,
  terminal: flag,
  noNewPrivileges: flag,
  notify: flag,
  hooks: flag,
  host: fc.constantFrom(...Object.values(hosts)),
  mode: fc.constantFrom('create', 'run'),
  rootfsPropagation: fc.constantFrom('shared', 'rslave', 'private', 'slave', 'unbindable', 'rprivate'),
  maskedPaths: paths,
  readonlyPaths: paths,
})

t.test('random configs', (t) => {
  let planned = 0
  fc.assert(
    fc.property(launch, (given) => {
      const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
      const isUser = given.namespaces.some(({ type, path }) => type === 'user' && path === undefined)
      const config: JsonObject = {
        hostname: '',
        process: { terminal: given.terminal, noNewPrivileges: given.noNewPrivileges, oomScoreAdj: 3 },
        mounts: given.mounts,
        hooks: given.hooks ? { prestart: [{ path: '/h' }], createContainer: [{ path: '/h' }] } : {},
        linux: {
          namespaces: given.namespaces,
          rootfsPropagation: given.rootfsPropagation,
          maskedPaths: given.maskedPaths,
          readonlyPaths: given.readonlyPaths,
          ...(isUser && { uidMappings: range, gidMappings: range }),
          ...(given.notify && {
            seccomp: {
              defaultAction: 'SCMP_ACT_ALLOW',
              listenerPath: '/agent',
              syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
            },
          }),
        },
      }
      const { host, mode } = given
      const result = attempt(() => planWith(config, { host, options: { mode, consoleSocket: '/tty' } }))
      if (result !== undefined) planned++
      return result === undefined || check(result)
    }),
    { numRuns: 400 },
  )
  t.ok(planned > 50, `${planned} of 400 could be planned`)
  t.end()
})

const runs = Number(process.env.RUNT_FUZZ_RUNS ?? 600)
t.setTimeout(120_000 + runs * 100)

t.test('the golden configs with random changes', { timeout: 60_000 + runs * 100 }, (t) => {
  const members = membersByPath(loadSchemas('spec-schemas'), 'config.json')
  let planned = 0
  const property = fc.property(fc.constantFrom(...Object.values(cases)), changes, (launch, picks) => {
    const text = stringify(changed(launch.config, members, picks))
    const result = attempt(() => {
      const { config } = parseConfig(text, 'config.json')
      return planCreate(config, hostFacts(launch.host), { ...defaultOptions, consoleSocket: '/tty', ...launch.options })
    })
    if (result !== undefined) planned++
    if (result !== undefined && !check(result)) throw new Error(text)
  })
  const result = fc.check(property, { numRuns: runs })
  t.equal(result.failed ? `${result.errorInstance} (seed ${result.seed})` : '', '')
  t.ok(planned > runs / 4, `${planned} of ${runs} could be planned`)
  t.end()
})
