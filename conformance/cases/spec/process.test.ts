/*
 * config.md, "Process", "POSIX process" and "Linux Process": scheduling, values that are ignored, and what MUST be an error.
 * ../default-config.test.ts tests users, limits, capabilities, environment and working directory.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { cgroupMounts } from '../../harness/census.ts'
import { runProbe } from '../../harness/probe.ts'
import { either, needsCapability, type Skip } from '../../harness/requires.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const stat = 'file:/proc/self/stat'
const peers = { runc: '1.1 has none', crun: '1.8 has none' }

/** Fields of proc_pid_stat(5) by number, counted from the end of the name. */
const field = (line: string, number: number): string | undefined =>
  line.slice(line.lastIndexOf(')') + 2).split(' ')[number - 3]
const [NICE, RT_PRIORITY, POLICY] = [19, 40, 41]
/** sched_setattr(2) leaves it for the policies that have no nice value. */
const NICE_OF_CALLER = String(getPriority())

function run(box: Box, process: Patch): Result {
  const bundle = box.bundle({ process }, { name: box.id() })
  return box.call(['run', '--bundle', bundle.dir, box.id()])
}

/** If the kernel has real-time groups, a new cgroup has no real-time bandwidth. */
const needsRealTime = (): Skip =>
  either(
    needsCapability(23n, 'CAP_SYS_NICE'),
    cgroupMounts().some(({ dir }) => existsSync(join(dir, 'cpu.rt_runtime_us'))) ? 'real-time groups' : false,
  )
const isRealTime = (policy: string): boolean => policy === 'SCHED_FIFO' || policy === 'SCHED_RR'

for (const [scheduler, expected] of [
  [
    { policy: 'SCHED_OTHER', nice: 7 },
    { nice: '7', priority: '0', policy: '0' },
  ],
  [
    { policy: 'SCHED_FIFO', priority: 10 },
    { nice: '0', priority: '10', policy: '1' },
  ],
  [
    { policy: 'SCHED_RR', priority: 11 },
    { nice: '0', priority: '11', policy: '2' },
  ],
  [
    { policy: 'SCHED_BATCH', nice: 5 },
    { nice: '5', priority: '0', policy: '3' },
  ],
  [{ policy: 'SCHED_IDLE' }, { nice: NICE_OF_CALLER, priority: '0', policy: '5' }],
  [
    { policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 2_000_000, period: 3_000_000 },
    { nice: NICE_OF_CALLER, priority: '0', policy: '6' },
  ],
] as const) {
  const skip = isRealTime(scheduler.policy) ? needsRealTime() : false
  scenario(`scheduler: ${JSON.stringify(scheduler)}`, { peers, skip }, (t, box) => {
    const line = runProbe(t, box, [stat], { process: { scheduler } }).text(stat)
    t.same({ nice: field(line, NICE), priority: field(line, RT_PRIORITY), policy: field(line, POLICY) }, expected)
  })
}

scenario('scheduler: reset on fork', { peers }, (t, box) => {
  const scheduler = {
    policy: 'SCHED_DEADLINE',
    runtime: 1_000_000,
    deadline: 2_000_000,
    period: 3_000_000,
    flags: ['SCHED_FLAG_RESET_ON_FORK'],
  }
  const result = run(box, { scheduler, args: ['sh', '-c', 'cat /proc/1/stat; cat /proc/self/stat; :'] })
  t.equal(result.status, 0, result.stderr)
  t.same(
    result.stdout
      .trim()
      .split('\n')
      .map((line) => field(line, POLICY)),
    ['6', '0'],
  )
})

for (const [ioPriority, expected] of [
  [{ class: 'IOPRIO_CLASS_RT', priority: 1 }, 'realtime: prio 1\n'],
  [{ class: 'IOPRIO_CLASS_BE', priority: 6 }, 'best-effort: prio 6\n'],
  [{ class: 'IOPRIO_CLASS_IDLE', priority: 0 }, 'idle\n'],
] as const) {
  const skip = ioPriority.class === 'IOPRIO_CLASS_RT' ? needsCapability(21n, 'CAP_SYS_ADMIN') : false
  scenario(`ioPriority: ${JSON.stringify(ioPriority)}`, { peers, skip }, (t, box) => {
    const result = run(box, { ioPriority, args: ['ionice', '-p', '1'] })
    t.equal(result.status, 0, result.stderr)
    t.equal(result.stdout, expected)
  })
}

scenario('MUST NOT change oom_score_adj that is not set', {}, (t, box) => {
  const before = readFileSync('/proc/self/oom_score_adj', 'utf8')
  writeFileSync('/proc/self/oom_score_adj', '321')
  box.defer(() => writeFileSync('/proc/self/oom_score_adj', before))
  const topic = 'file:/proc/self/oom_score_adj'
  t.equal(runProbe(t, box, [topic]).text(topic), '321')
  t.equal(runProbe(t, box, [topic], { process: { oomScoreAdj: 400 } }).text(topic), '400')
})

scenario('is ignored: a size without a terminal, a name, a command line, the affinity of exec', {}, (t, box) => {
  const inside = runProbe(t, box, ['process', 'terminal', 'file:/proc/self/status'], {
    process: {
      consoleSize: { height: 10, width: 20 },
      user: { uid: 5, gid: 6, username: 'root' },
      commandLine: 'exit 1',
      execCPUAffinity: { initial: '0', final: '0' },
    },
  })
  t.match(inside.pairs('process'), { uid: '5 5', gid: '6 6' })
  t.notMatch(inside.text('terminal'), /size/)
  const ours = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  t.equal(inside.pairs('file:/proc/self/status').Cpus_allowed_list, ours)
})

scenario('MUST be an error', {}, (t, box) => {
  const limit = { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }
  for (const [process, message] of [
    [{ cwd: 'tmp' }, /process\.cwd: must be an absolute path/],
    [{ args: [] }, /process\.args/],
    [{ rlimits: [limit, limit] }, /process\.rlimits\[1\]\.type: RLIMIT_NOFILE is already limited/],
    [{ rlimits: [{ ...limit, type: 'RLIMIT_NONE' }] }, /process\.rlimits\[0\]\.type/],
    [{ rlimits: [{ ...limit, soft: 21 }] }, /process\.rlimits\[0\]\.soft: 21 is above the hard limit/],
    [{ env: ['PATH=/bin', 'NONE'] }, /process\.env\[1\]: must have the form NAME=value/],
    [{ env: ['=x'] }, /process\.env\[0\]/],
    [{ scheduler: { policy: 'SCHED_ISO' } }, /process\.scheduler\.policy/],
    [{ scheduler: { policy: 'SCHED_NONE' } }, /process\.scheduler\.policy/],
    [{ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }, /process\.ioPriority\.priority/],
    [{ ioPriority: { class: 'IOPRIO_CLASS_NONE', priority: 0 } }, /process\.ioPriority\.class/],
    [{ execCPUAffinity: { initial: 'one' } }, /process\.execCPUAffinity\.initial/],
  ] as const) {
    const result = run(box, process)
    t.not(result.status, 0, JSON.stringify(process))
    t.match(result.stderr, message)
  }
})

scenario('an empty HOME is replaced; of duplicate variables the last one counts', {}, (t, box) => {
  const env = ['PATH=/bin', 'HOME=', 'A=1', 'B=', 'A=2']
  t.same([...runProbe(t, box, ['env'], { process: { env } }).lines('env')].sort(), [
    'A=2',
    'B=',
    'HOME=/root',
    'PATH=/bin',
  ])
})

scenario('linux.personality accepts LINUX and LINUX32 without flags', {}, (t, box) => {
  const machine = (domain: string) => {
    const bundle = box.bundle(
      { process: { args: ['uname', '-m'] }, linux: { personality: { domain } } },
      { name: box.id() },
    )
    return box.call(['run', '--bundle', bundle.dir, box.id()])
  }
  t.match(machine('LINUX32').stdout, /^i[3-6]86\n$/)
  t.equal(machine('LINUX').stdout, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}\n`)
  const unknown = machine('LINUX64')
  t.not(unknown.status, 0)
  t.match(unknown.stderr, /linux\.personality\.domain/)
})
