import t from 'tap'
import type { StepReport } from '../native.ts'
import { type LaunchPlan, type Step, SYNC_READY } from '../steps/launch-plan.ts'
import { describeFailure, describeStep, describeWarning } from './describe.ts'
import { cases } from './fixtures/cases.ts'
import { planOf } from './fixtures/plan-of.ts'

const report = (more: Partial<StepReport> = {}): StepReport => ({
  list: 'containerSteps',
  step: 0,
  syscall: 'call',
  errno: 1,
  code: 'EPERM',
  detail: '',
  ...more,
})
const planFor = (step: Step): LaunchPlan => ({ slots: ['sync', 'a'], runtimeSteps: [], containerSteps: [step] })
const message = (step: Step, more: Partial<StepReport> = {}): string =>
  describeFailure(planFor(step), report(more)).message

t.test('the message of every step begins with its property', (t) => {
  const seen = new Set<string>()
  for (const launch of Object.values(cases)) {
    const { plan } = planOf(launch)
    for (const step of [...plan.runtimeSteps, ...plan.containerSteps]) {
      if (seen.has(step.op)) continue
      seen.add(step.op)
      const text = describeStep(step, report({ code: 'EIO', errno: 5, detail: 'because' }))
      if (step.op === 'run_hook') t.equal(text, 'error running prestart hook #0: (/hooks/prestart): because')
      else if (step.op === 'find_executable')
        t.match(text, /^process\.args\[0\] \(\w+\): exec: "\w+": stat: EIO \(input\/output error\)$/)
      else if (step.op === 'execve')
        t.match(text, /^process\.args\[0\] \(\w+\): exec \w+: execve: EIO \(input\/output error\)$/)
      else
        t.match(
          text,
          new RegExp(
            `^${step.from.replace(/[[\](){}.*+?^$|\\]/g, '\\$&')}: (failed to connect with seccomp agent: )?call.*: EIO \\(input/output error\\): because`,
          ),
        )
      t.notMatch(text, /undefined/, step.op)
    }
  }
  t.ok(seen.size > 40, `${seen.size} operations`)
  t.end()
})

const mount: Step = { op: 'fsconfig', from: 'mounts[3] (tmpfs at /run)', fs: 1, command: 1, key: 'size', value: 'x' }
const sentences: readonly (readonly [Step, Partial<StepReport>, string])[] = [
  [
    mount,
    { syscall: 'fsconfig', code: 'EINVAL', errno: 22, detail: "tmpfs: Bad value for 'size'" },
    "mounts[3] (tmpfs at /run): fsconfig size=x: EINVAL (invalid argument): tmpfs: Bad value for 'size'",
  ],
  [
    { op: 'write_file', from: 'linux.resources.memory.limit', path: '/c/memory.max', data: '1' },
    { syscall: 'write', code: 'EBUSY', errno: 16 },
    'linux.resources.memory.limit: write "1" to /c/memory.max: EBUSY (device or resource busy)',
  ],
  [
    { op: 'pivot_root', from: 'root.path' },
    { syscall: 'pivot_root', code: 'EINVAL', errno: 22 },
    'root.path: pivot_root: EINVAL (invalid argument)',
  ],
  [
    { op: 'find_executable', from: 'process.args[0] (sh)', candidates: ['/a/sh', '/b/sh'], resolve: 0 },
    { code: 'ENOENT', errno: 2 },
    'process.args[0] (sh): exec: "sh": executable file not found in $PATH',
  ],
  [
    { op: 'find_executable', from: 'process.args[0] (sh)', candidates: ['/a/sh'], resolve: 0 },
    { code: 'ENOENT', errno: 2 },
    'process.args[0] (sh): exec: "sh": executable file not found in $PATH',
  ],
  [
    { op: 'find_executable', from: 'process.args[0] (/etc)', candidates: ['/etc'], resolve: 0 },
    { code: 'EISDIR', errno: 21 },
    'process.args[0] (/etc): exec: "/etc": execve: EACCES (permission denied): is a directory',
  ],
  [
    { op: 'find_executable', from: 'process.args[0] (/sh)', candidates: ['/sh'], resolve: 0 },
    { code: 'ENOENT', errno: 2 },
    'process.args[0] (/sh): exec: "/sh": stat: ENOENT (no such file or directory)',
  ],
  [
    { op: 'find_executable', from: 'process.args[0] (/sh)', candidates: ['/sh'], resolve: 0 },
    { code: 'EACCES', errno: 13 },
    'process.args[0] (/sh): exec: "/sh": execve: EACCES (permission denied)',
  ],
  [
    { op: 'execve', from: 'process.args[0] (/a.out)', args: ['/a.out'], env: [] },
    { syscall: 'execve', code: 'ENOEXEC', errno: 8 },
    'process.args[0] (/a.out): exec /a.out: execve: ENOEXEC (exec format error)',
  ],
  [
    {
      op: 'run_hook',
      from: 'hooks.startContainer[1] (/h)',
      path: '/h',
      resolve: 0,
      args: [],
      env: [],
      stdinHead: '',
      stdinTail: '',
    },
    { syscall: 'hook', code: 'ECHILD', errno: 10, detail: 'signal 31 (SYS)' },
    'error running startContainer hook #1: (/h): signal 31 (SYS); bad system call: the seccomp profile holds for this hook, too',
  ],
  [
    mount,
    { syscall: 'init', code: '', errno: 0, detail: 'init was killed by signal 9' },
    'mounts[3] (tmpfs at /run): init was killed by signal 9 during fsconfig fs={a} command=FSCONFIG_SET_STRING key="size" value="x"; it was killed from outside, or a cgroup above it ran out of memory: see the kernel\'s log',
  ],
]

const longest = 'x'.repeat(131067)
const tooBig = { syscall: 'execve', code: 'E2BIG', errno: 7 }
const execve = { op: 'execve', from: 'process.args[0] (/sh)', args: ['/sh'], env: ['A=b'] } as const
const hook = {
  op: 'run_hook',
  from: 'hooks.prestart[1] (/h)',
  path: '/h',
  resolve: 0,
  stdinHead: '',
  stdinTail: '',
} as const
const tooBigSentences: readonly (readonly [Step, string])[] = [
  [
    { ...execve, env: ['A=b', `BIG=${longest}x`] },
    'process.env[1] (BIG, 131072 bytes): execve: E2BIG (argument list too long); one string may have 131071 bytes',
  ],
  [
    { ...execve, args: ['/sh', longest, 'é'.repeat(65536)] },
    'process.args[2] (131072 bytes): execve: E2BIG (argument list too long); one string may have 131071 bytes',
  ],
  [
    { ...execve, args: ['/sh', '𝄞'.repeat(32767)], env: [`A=${longest}`] },
    'process.args and process.env (3 strings, 262143 bytes): execve: E2BIG (argument list too long); together they may have a quarter of RLIMIT_STACK, and at most 6 MiB',
  ],
  [
    { ...hook, args: [], env: [`A=${longest}xxx`] },
    'hooks.prestart[1].env[0] (A, 131072 bytes): execve: E2BIG (argument list too long); one string may have 131071 bytes',
  ],
]

for (const [step, expected] of tooBigSentences) {
  t.test(`E2BIG of ${step.from}: ${expected}`, (t) => {
    t.equal(message(step, tooBig), expected)
    t.end()
  })
}

for (const [step, more, expected] of sentences) {
  t.test(expected, (t) => {
    const error = describeFailure(planFor(step), report(more))
    t.equal(error.message, expected)
    t.equal(error.code, 'kernel')
    t.end()
  })
}

t.test('an errno without a text is printed by its name', (t) => {
  t.match(message({ op: 'setsid', from: 'process' }, { code: 'EMULTIHOP', errno: 72 }), /EMULTIHOP/)
  t.end()
})

t.test('a step that the plan does not have is an internal error', (t) => {
  t.equal(describeFailure(planFor(mount), report({ step: 9 })).code, 'internal')
  t.end()
})

t.test('a warning is the detail of the step, or the message', (t) => {
  t.equal(describeWarning(planFor(mount), report({ detail: 'so' })), 'so')
  t.match(describeWarning(planFor(mount), report()), /^mounts\[3\] .*EPERM/)
  t.end()
})

t.test('a limit too low for init is named in the message', (t) => {
  const limit: Step = { op: 'write_file', from: 'linux.resources.memory.limit', path: '/c/memory.max', data: '1' }
  const plan = { ...planFor({ op: 'setsid', from: 'process' }), runtimeSteps: [limit] }
  const error = describeFailure(plan, report({ syscall: 'init', errno: 0, detail: 'init was killed by signal 9' }))
  t.equal(
    error.message,
    'linux.resources.memory.limit: init was killed by signal 9 during setsid; OOM-killed (memory limit too low?)',
  )
  t.equal(error.path, 'linux.resources.memory.limit')
  t.end()
})

t.test('a hint is at the end, and is asked with step and report', async (t) => {
  const step: Step = { op: 'pivot_root', from: 'root.path' }
  const explain = (failed: Step, { code }: StepReport): string => `${failed.op} and ${code}`
  const error = describeFailure(planFor(step), report({ code: 'EINVAL' }), explain)
  t.match(error.message, /; pivot_root and EINVAL$/)
  t.match(describeWarning(planFor(step), report({ code: 'EINVAL' }), explain), /; pivot_root and EINVAL$/)
})

t.test('an error of newuidmap has no errno', async (t) => {
  const step: Step = { op: 'map_ids', from: 'linux.uidMappings', program: 'newuidmap', args: [] }
  const detail = 'newuidmap ended with status 1'
  t.equal(message(step, { code: 'ECHILD', errno: 10, detail }), `linux.uidMappings: ${detail}`)
})

t.test('the message for an init killed by a seccomp filter names linux.seccomp', (t) => {
  const load: Step = { op: 'seccomp', from: 'linux.seccomp', filter: new Uint8Array(8), flags: 0 }
  const wait: Step = { op: 'sync_wait', from: 'create', point: SYNC_READY }
  const denied = [{ name: 'capset', action: 0x50001 }]
  const end = (detail: string, more: Partial<LaunchPlan>) => {
    const plan: LaunchPlan = { slots: ['sync'], runtimeSteps: [wait], containerSteps: [], ...more }
    return describeFailure(plan, report({ list: 'runtimeSteps', syscall: 'init', errno: 0, code: '', detail })).message
  }
  const during = 'during sync_wait point=SYNC_READY'
  const [killed, trapped] = ['init was killed by signal 31', 'init was killed by signal 4']
  for (const [detail, more, expected] of [
    [
      killed,
      { containerSteps: [load], denied },
      `linux.seccomp: ${killed} (SIGSYS) ${during}; the profile denies capset (ERRNO(1)), which init needs`,
    ],
    [
      trapped,
      { containerSteps: [load], denied },
      `linux.seccomp: ${trapped} ${during}; the profile denies capset (ERRNO(1)), which init needs, and even exit_group`,
    ],
    [
      killed,
      { containerSteps: [load] },
      `linux.seccomp: ${killed} (SIGSYS) ${during}; the profile kills init for a system call that it needs`,
    ],
    [killed, {}, `create: ${killed} (SIGSYS) ${during}; a seccomp filter of the caller of the runtime killed it`],
    [trapped, { containerSteps: [load] }, `create: ${trapped} ${during}`],
    ['init exited with status 3', { containerSteps: [load], denied }, `create: init exited with status 3 ${during}`],
  ] as const)
    t.equal(end(detail, more), expected)
  t.match(end('init was killed by signal 9', { containerSteps: [load], denied }), /^create: .*out of memory/)
  t.end()
})

t.test('the message for a call that linux.seccomp denies names it instead of a hint', (t) => {
  const step: Step = { op: 'execve', from: 'process.args[0] (/a)', args: ['/a'], env: [] }
  const plan = { ...planFor(step), denied: [{ name: 'execve', action: 0x5000d }] }
  const failed = (syscall: string) =>
    describeFailure(plan, report({ syscall, code: 'EACCES', errno: 13 })).message.split('; ')[1]
  t.equal(failed('execve'), 'linux.seccomp: the profile denies execve (ERRNO(13))')
  t.equal(failed('capset'), undefined)
  t.end()
})
