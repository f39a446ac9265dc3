/* How a plan is printed: names for numbers, what the config leaves out, and the difference of two plans. */
import t from 'tap'
import type { Json } from '../config/json.ts'
import { makedev, O_PATH, O_RDONLY, PROC_SUPER_MAGIC, RESOLVE_BENEATH } from '../steps/constants.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { diffPlans } from './diff.ts'
import { givenIn } from './given.ts'
import { planJson, printPlan, printStep } from './print.ts'

const from = 'linux.devices[0]'

t.test('numbers are printed as names', async (t) => {
  const cases: readonly (readonly [Step, string])[] = [
    [
      { op: 'mknodat', from, at: 0, path: 'x', mode: 0o20640, rdev: makedev(259, 1_048_575) },
      'mknodat at={a} path="x" mode=020640 rdev=259:1048575',
    ],
    [
      {
        op: 'openat2',
        from,
        path: 'p',
        flags: O_PATH | O_RDONLY,
        resolve: RESOLVE_BENEATH,
        into: 1,
        expectFs: PROC_SUPER_MAGIC,
        tolerate: [2, 13],
      },
      'openat2 path="p" flags=O_PATH resolve=RESOLVE_BENEATH expectFs=PROC_SUPER_MAGIC tolerate=ENOENT,EACCES -> {b}',
    ],
    [
      { op: 'capset', from, effective: 1n << 40n, permitted: (1n << 41n) - 1n, inheritable: 0 },
      'capset effective=CAP_CHECKPOINT_RESTORE permitted=all inheritable=none',
    ],
    [{ op: 'capbset_drop', from, capabilities: [0, 63] }, 'capbset_drop capabilities=[CAP_CHOWN 63]'],
    [{ op: 'prlimit', from, resource: 7, soft: 1, hard: 2 }, 'prlimit resource=RLIMIT_NOFILE soft=1 hard=2'],
    [{ op: 'personality', from, persona: 0x40008 }, 'personality persona=0x40008'],
  ]
  for (const [step, text] of cases) t.equal(printStep(step, ['a', 'b']), text)
})

const execve = (env: readonly string[]): Step => ({ op: 'execve', from: 'process.args[0] (sh)', args: ['sh'], env })
const planOf = (...containerSteps: readonly Step[]): LaunchPlan => ({
  slots: ['a', 'b'],
  runtimeSteps: [],
  containerSteps,
})

t.test('values of the environment are printed only on request', async (t) => {
  const plan = planOf(execve(['PATH=/bin', 'PASSWORD=a=b', 'ODD']))
  for (const text of [printPlan(plan), planJson(plan)]) t.notMatch(text, /bin|a=b/)
  t.match(printPlan(plan), 'env=["PATH=…" "PASSWORD=…" "ODD=…"]')
  for (const text of [printPlan(plan, { showEnv: true }), planJson(plan, { showEnv: true })])
    t.match(text, 'PASSWORD=a=b')
})

t.test('properties that the config has and defaults', async (t) => {
  const document: Json = {
    process: { Cwd: '/', user: null },
    mounts: [{ destination: '/proc' }, null],
    linux: { resources: { cpu: {} } },
    annotations: {},
  }
  const isGiven = givenIn(document)
  const given = [
    'process.cwd (/)',
    'mounts[0] (proc at /proc)',
    'linux.resources.cpu',
    'annotations',
    'create',
    '--cgroup',
  ]
  for (const path of given) t.ok(isGiven(path), path)
  const absent = [
    'process.user.umask',
    'mounts[1]',
    'mounts[7].options[2] (x at /y)',
    'linux.cgroupsPath',
    'hooks.prestart[0] (/x)',
    'process.cwd.x',
  ]
  for (const path of absent) t.notOk(isGiven(path), path)
  const plan = planOf({ op: 'umask', from: 'process.user.umask', mode: 0o22 })
  t.match(printPlan(plan, { showEnv: false, isGiven }), /^ {2}default: process\.user\.umask$/m)
  t.match(planJson(plan, { showEnv: false, isGiven }), '"default":true')
  t.notMatch(planJson(plan), '"default"')
})

const name = (value: string): Step => ({ op: 'sethostname', from: 'hostname', name: value })
const link = (path: string): Step => ({ op: 'symlinkat', from: 'mounts[0]', target: '/x', at: 0, path })
const side = (bundle: string, ...steps: readonly Step[]) => ({
  plan: planOf(...steps),
  view: { showEnv: false },
  bundle,
})

t.test('the difference of two plans', async (t) => {
  t.equal(diffPlans(side('/a', name('x')), side('/b', name('x'))), '')
  t.equal(
    diffPlans(side('/a', name('x'), link('/a/l')), side('/b', name('y'), link('/b/l'))),
    'container\n  hostname\n    - sethostname name="x"\n    + sethostname name="y"\n',
    'the directory of a bundle is no difference',
  )
  t.equal(
    diffPlans(
      side('/a', ...['1', '2', '3', '4', '5'].map(link)),
      side('/b', ...['1', '3', '4', '6', '5', '7'].map(link)),
    ),
    `container\n  mounts[0]\n${[
      ['-', '2'],
      ['+', '6'],
      ['+', '7'],
    ]
      .map(([sign, path]) => `    ${sign} symlinkat target="/x" at={a} path="${path}"\n`)
      .join('')}`,
  )
  t.match(diffPlans(side('/a'), side('/b', name('x'))), /^ {4}\+ sethostname/m)
  const filter = (byte: number): Step => ({
    op: 'seccomp',
    from: 'linux.seccomp',
    filter: new Uint8Array([byte, 0]),
    flags: 0,
  })
  t.not(diffPlans(side('/a', filter(1)), side('/b', filter(2))), '', 'programs of the same size differ by a checksum')
})
