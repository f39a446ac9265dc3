/*
 * exec: another process in a container (runc-exec(8)): its attributes from flags, the process file and the container,
 * its statuses, terminals, cgroups and descriptors, and the states of a container in which it works.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Patch } from '../../harness/bundle.ts'
import { processes } from '../../harness/census.ts'
import { cgroupOf, setFrozen } from '../../harness/cgroup.ts'
import { onTerminal, openConsole, openPidfd } from '../../harness/console.ts'
import { probing, type Report, readReport } from '../../harness/probe.ts'
import { hasCommand, isRunt } from '../../harness/project.ts'
import { hasV1, needsController } from '../../harness/requires.ts'
import {
  type Box,
  type CallOptions,
  pause,
  type Result,
  type Running,
  scenario,
  until,
} from '../../harness/scenario.ts'

/** Starts a container whose process waits; the end of the test removes it. */
async function started(test: Test, box: Box, patch: Patch = {}): Promise<string> {
  const id = box.id()
  const bundle = box.bundle(probing(['pause'], patch), { name: `bundle-${id}` })
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id])
  test.equal(result.status, 0, 'the container runs', { stderr: result.stderr })
  box.defer(() => box.call(['delete', '--force', id]))
  // Other runtimes return before the process has called execve(2).
  const pid = box.state(id)?.pid ?? 0
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'probe\n', 'the process runs')
  return id
}

const exec = (
  box: Box,
  flags: readonly string[],
  id: string,
  args: readonly string[],
  options: CallOptions = {},
): Result => box.call(['exec', ...flags, id, ...args], options)

/** Runs the probe in the container and reads its report. */
function probed(test: Test, box: Box, flags: readonly string[], id: string, topics: readonly string[]): Report {
  const result = exec(box, flags, id, ['/bin/probe', ...topics])
  test.equal(result.status, 0, `exec ${flags.join(' ')}`, { stderr: result.stderr })
  return readReport(result)
}

const status = 'file:/proc/self/status'
const cgroups = 'file:/proc/self/cgroup'
const capLines = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const

// ---- statuses ----

scenario("exec exits with the process's status", {}, async (t, box) => {
  const id = await started(t, box)
  for (const code of [0, 1, 42, 126, 127, 255]) t.equal(exec(box, [], id, ['/bin/probe', `exit:${code}`]).status, code)
})

scenario('exec exits with 128 + the signal that ended the process', {}, async (t, box) => {
  const id = await started(t, box)
  for (const signal of [9, 11, 15]) t.equal(exec(box, [], id, ['/bin/probe', `raise:${signal}`]).status, 128 + signal)
})

scenario(
  'exec of a program that cannot be executed exits with 255 and the messages that engines match',
  { peers: { crun: 'fails with 1, in other words' } },
  async (t, box) => {
    const id = await started(t, box)
    for (const [program, words] of [
      ['/no/such', /no such file or directory/],
      ['no-such', /executable file not found in \$PATH/],
      ['/etc', /permission denied/],
      ['/etc/passwd', /permission denied/],
    ] as const) {
      const result = exec(box, [], id, [program])
      t.equal(result.status, 255, program)
      t.match(result.stderr, words)
      t.match(result.stderr, program)
    }
  },
)

scenario(
  'exec fails with 255 without a command or a running container',
  { peers: { crun: 'fails with 1, in other words' } },
  async (t, box) => {
    t.equal(exec(box, [], 'no-such-container', ['true']).status, 255)
    t.match(exec(box, [], 'no-such-container', ['true']).stderr, 'does not exist')
    const id = await started(t, box)
    t.equal(exec(box, [], id, []).status, 255, 'no command')
    t.equal(box.call(['kill', id, 'KILL']).status, 0)
    await until(() => box.state(id)?.status === 'stopped', 'stopped')
    const late = exec(box, [], id, ['true'])
    t.equal(late.status, 255)
    t.match(late.stderr, /cannot exec in a stopped container|container that has stopped/)
  },
)

scenario('exec into a created container, before its process runs', {}, async (t, box) => {
  const id = box.id()
  const bundle = box.bundle(probing(['pause']))
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  t.equal(probed(t, box, [], id, ['hostname']).text('hostname'), 'conformance')
  t.equal(box.state(id)?.status, 'created')
})

scenario(
  'exec into a paused container only with --ignore-paused',
  { skip: needsController('freezer'), peers: { crun: 'enters' } },
  async (t, box) => {
    const id = await started(t, box)
    const pid = box.state(id)?.pid
    await setFrozen(pid, 'FROZEN')
    const refused = exec(box, [], id, ['true'])
    t.equal(refused.status, 255)
    t.match(refused.stderr, 'cannot exec in a paused container')
    const waiting = box.begin(['exec', '--ignore-paused', id, '/bin/probe', 'say:thawed'])
    await pause(200)
    t.notMatch(waiting.output().stdout, 'thawed', 'it waits')
    await setFrozen(pid, 'THAWED')
    t.equal((await waiting.exited).status, 0, 'it runs when the container thaws')
    t.match(waiting.output().stdout, 'thawed')
  },
)

// ---- which process ----

scenario(
  'exec inherits the process of the container',
  { peers: { crun: "takes less from the container's process" } },
  async (t, box) => {
    const id = await started(t, box, {
      process: {
        cwd: '/tmp',
        env: ['PATH=/bin', 'A=config', 'B=config'],
        user: { uid: 1000, gid: 5, umask: 0o27, additionalGids: [7] },
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }],
        oomScoreAdj: 50,
      },
    })
    const topics = ['process', 'env', 'rlimits', 'file:/proc/self/oom_score_adj']
    const report = probed(t, box, ['-e', 'A=flag', '-e', 'C=flag', '-e', 'C=last'], id, topics)
    const process = report.pairs('process')
    t.equal(process.uid, '1000 1000')
    t.equal(process.gid, '5 5')
    t.equal(process.groups, '7')
    if (isRunt) t.equal(process.umask, '0027')
    t.equal(process.cwd, '/tmp')
    t.equal(process.nnp, '1')
    t.strictSame([...report.lines('env')].sort(), ['A=flag', 'B=config', 'C=last', 'HOME=/home/user', 'PATH=/bin'])
    t.equal(report.pairs('rlimits').RLIMIT_NOFILE, '100 200')
    t.equal(report.text('file:/proc/self/oom_score_adj'), '50')
  },
)

scenario(
  'exec has the scheduling attributes of the container process',
  { peers: { runc: '1.1 has none of them', crun: "takes less from the container's process" } },
  async (t, box) => {
    const id = await started(t, box, {
      ociVersion: '1.2.0',
      process: {
        scheduler: { policy: 'SCHED_BATCH', nice: 7 },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
      },
      linux: { personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_PREFERRED', nodes: '0' } },
    })
    const expected = { policy: '3', nice: '7', ioprio: String((2 << 13) | 6), mempolicy: '1' }
    const report = probed(t, box, [], id, ['scheduling', 'process'])
    t.match(report.pairs('scheduling'), expected)
    t.equal(report.pairs('process').personality, '8')
    const file = join(box.dir, 'process.json')
    writeFileSync(file, JSON.stringify({ args: ['/bin/probe', 'scheduling'], cwd: '/' }))
    t.match(readReport(box.call(['exec', '--process', file, id])).pairs('scheduling'), expected, 'by a file too')
  },
)

scenario(
  'exec --user, --additional-gids, --cwd',
  { peers: { crun: "takes less from the container's process" } },
  async (t, box) => {
    const id = await started(t, box, { process: { user: { uid: 0, gid: 3 } } })
    const changed = probed(t, box, ['--user', '1000:1001', '-g', '7', '-g', '8', '--cwd', '/var'], id, ['process'])
    t.match(changed.pairs('process'), { uid: '1000 1000', gid: '1001 1001', groups: '7 8', cwd: '/var' })
    const uidOnly = probed(t, box, ['-u', '1000'], id, ['process', 'env'])
    t.match(uidOnly.pairs('process'), { uid: '1000 1000', gid: '3 3' }, 'the group stays')
    t.ok(uidOnly.lines('env').includes('HOME=/home/user'), "the new user's home")
  },
)

scenario('exec --user only accepts numeric user ids', { peers: { crun: 'takes more' } }, async (t, box) => {
  const id = await started(t, box)
  for (const user of [
    'root',
    '-1',
    '1:',
    ':1',
    '1:1:1',
    '4294967295',
    '4294967296',
    '0x1',
    '1 ',
    '1.0',
    'a:0',
    '0:a',
  ]) {
    if (!isRunt && /429|:1$|^1 |^-1/.test(user)) continue
    const result = exec(box, ['--user', user], id, ['true'])
    t.equal(result.status, 255, user)
    t.not(result.stderr, '')
  }
  for (const [user, uid] of [
    ['0', '0'],
    ['01', '1'],
    ['2147483648', '2147483648'],
    ['4294967294', '4294967294'],
  ] as const) {
    if (!isRunt && user.length > 9) continue
    t.equal(probed(t, box, ['--user', user], id, ['process']).pairs('process').uid, `${uid} ${uid}`, user)
  }
})

scenario('exec --process', {}, async (t, box) => {
  const id = await started(t, box, { process: { env: ['PATH=/bin', 'A=config'] } })
  const file = join(box.dir, 'process.json')
  const topics = ['process', 'env', status]
  writeFileSync(
    file,
    JSON.stringify({
      args: ['/bin/probe', ...topics],
      cwd: '/var',
      env: ['B=file'],
      user: { uid: 1000, gid: 1000 },
      noNewPrivileges: false,
    }),
  )
  const report = readReport(box.call(['exec', '--process', file, id]))
  t.match(report.pairs('process'), { uid: '1000 1000', cwd: '/var', nnp: '0' })
  t.strictSame([...report.lines('env')].sort(), ['B=file', 'HOME=/home/user'], "nothing of the container's environment")
  t.equal(report.pairs(status).CapBnd, '0000000020000420', 'its capabilities too')
})

const limitless = { peers: { runc: "has the caller's", crun: "has the caller's" } }
scenario("exec --process without rlimits has the container's", limitless, async (t, box) => {
  const id = await started(t, box, { process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }] } })
  const file = join(box.dir, 'process.json')
  writeFileSync(file, JSON.stringify({ args: ['/bin/probe', 'rlimits'], cwd: '/' }))
  t.equal(readReport(box.call(['exec', '--process', file, id])).pairs('rlimits').RLIMIT_NOFILE, '100 200')
})

scenario('exec --process takes a pipe', {}, async (t, box) => {
  const id = await started(t, box)
  const file = join(box.dir, 'process.json')
  writeFileSync(file, JSON.stringify({ args: ['/bin/probe', 'say:piped'], cwd: '/', env: [] }))
  const script = 'cat process.json | "$0" "$@"'
  const wrap = ['sh', '-c', script]
  t.match(box.call(['exec', '--process', '/proc/self/fd/0', id], { wrap, cwd: box.dir }).stdout, 'piped')
})

scenario('exec --process -', { peers: { runc: 'has no "-"', crun: 'has no "-"' } }, async (t, box) => {
  const id = await started(t, box)
  const text = JSON.stringify({ args: ['/bin/probe', 'say:piped'], cwd: '/' })
  t.match(box.call(['exec', '--process', '-', id], { stdin: text }).stdout, 'piped')
})

scenario(
  'exec rejects an invalid process file',
  { peers: { crun: 'fails with 1, in other words' } },
  async (t, box) => {
    const id = await started(t, box)
    const file = join(box.dir, 'process.json')
    const good = { args: ['true'], cwd: '/' }
    for (const text of [
      '',
      '{',
      '[]',
      JSON.stringify({ ...good, cwd: 'relative' }),
      JSON.stringify({ ...good, args: [] }),
    ]) {
      writeFileSync(file, text)
      const result = box.call(['exec', '--process', file, id])
      t.equal(result.status, 255, text)
      t.not(result.stderr, '')
    }
    t.equal(box.call(['exec', '--process', join(box.dir, 'none'), id]).status, 255)
    t.equal(processes().size, 1, 'nothing runs but the container')
  },
)

scenario('exec --cap warns of an unknown capability', { peers: { crun: 'is silent' } }, async (t, box) => {
  const id = await started(t, box)
  const own = probed(t, box, [], id, [status]).pairs(status)
  for (const [name, meant] of [
    ['CAP_NOPE', undefined],
    ['net_raw', 'CAP_NET_RAW'],
    ['', undefined],
  ] as const) {
    const log = join(box.dir, `log${name}`)
    const result = box.call(['--log', log, 'exec', '--cap', name, '--cap', 'CAP_CHOWN', id, '/bin/probe', status])
    t.equal(result.status, 0, result.stderr)
    const more = readReport(result).pairs(status)
    t.equal(BigInt(`0x${more.CapEff}`), BigInt(`0x${own.CapEff}`) | 1n, 'the others are added')
    const text = readFileSync(log, 'utf8')
    t.match(text, isRunt ? `--cap: unknown capability \\"${name}\\" is left out` : `[${name}]`)
    if (meant !== undefined && isRunt) t.match(text, `did you mean ${meant}?`)
    t.equal(text.trimEnd().split('\n').length, 1, 'one line')
  }
})

scenario(
  'exec --cap and --no-new-privs',
  { peers: { crun: "takes less from the container's process" } },
  async (t, box) => {
    const id = await started(t, box, { process: { noNewPrivileges: false } })
    const plain = probed(t, box, [], id, [status]).pairs(status)
    t.equal(plain.NoNewPrivs, '0')
    t.match(probed(t, box, ['--no-new-privs'], id, [status]).pairs(status), { NoNewPrivs: '1' })
    const more = probed(t, box, ['--cap', 'CAP_CHOWN', '--cap', 'CAP_FOWNER'], id, [status]).pairs(status)
    t.match(more, {
      CapBnd: '0000000020000429',
      CapEff: '0000000020000429',
      CapPrm: '0000000020000429',
      CapInh: '0000000000000000',
      CapAmb: '0000000000000000',
    })
  },
)

scenario(
  'all five capability sets are those of the first process',
  { peers: { crun: "takes less from the container's process" } },
  async (t, box) => {
    const caps = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW']
    for (const user of [
      { uid: 0, gid: 0 },
      { uid: 1000, gid: 1000 },
    ]) {
      for (const capabilities of [
        { bounding: caps, effective: ['CAP_KILL'], permitted: caps },
        { bounding: caps, effective: caps, permitted: caps, inheritable: caps, ambient: ['CAP_KILL'] },
      ]) {
        const id = await started(t, box, { process: { user, capabilities } })
        const pid = box.state(id)?.pid ?? 0
        const own = Object.fromEntries(
          readFileSync(`/proc/${pid}/status`, 'utf8')
            .split('\n')
            .map((line) => line.split(':\t') as [string, string]),
        )
        const other = probed(t, box, [], id, [status]).pairs(status)
        for (const line of capLines) t.equal(other[line], own[line], `${line} of uid ${user.uid}`)
      }
    }
  },
)

scenario('exec under the seccomp profile of the container', {}, async (t, box) => {
  for (const noNewPrivileges of [true, false]) {
    const id = await started(t, box, {
      process: { noNewPrivileges },
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: ['SCMP_ARCH_X86_64'],
          syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
        },
      },
    })
    const report = probed(t, box, [], id, [status, 'try:sethostname'])
    t.equal(report.pairs(status).Seccomp, '2')
    t.equal(report.text('try:sethostname'), 'ENOSYS', 'the profile answers, before the missing capability does')
  }
})

scenario('exec applies execCPUAffinity', { peers: { runc: 'since 1.3', crun: 'since 1.22' } }, async (t, box) => {
  const bound = { wrap: ['taskset', '1'] }
  const id = await started(t, box, { process: { execCPUAffinity: { initial: '0', final: '0' } } })
  t.equal(probed(t, box, [], id, [status]).pairs(status).Cpus_allowed_list, '0')
  const free = await started(t, box)
  const own = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  const result = exec(box, [], free, ['/bin/probe', status], hasCommand('taskset') ? bound : {})
  t.equal(readReport(result).pairs(status).Cpus_allowed_list, own, "the caller's does not carry over")
})

// ---- namespaces ----

const namespaceNames = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']
const namespacesOf = (pid: number): Record<string, string> =>
  Object.fromEntries(namespaceNames.map((name) => [name, readlinkSync(`/proc/${pid}/ns/${name}`)]))

const mapped = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
const namespaceCases: readonly (readonly [string, Patch])[] = [
  ['the default ones', {}],
  ['no pid namespace', { linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] } }],
  [
    'a cgroup namespace too',
    { linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'uts' }, { type: 'cgroup' }] } },
  ],
  [
    'a user namespace',
    {
      linux: {
        namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
        uidMappings: mapped,
        gidMappings: mapped,
      },
    },
  ],
]

for (const [name, patch] of namespaceCases) {
  scenario(`exec joins all namespaces: ${name}`, {}, async (t, box) => {
    const id = await started(t, box, patch)
    const report = probed(t, box, [], id, ['ns', 'process', 'dir:/'])
    t.strictSame(report.pairs('ns'), namespacesOf(box.state(id)?.pid ?? 0))
    t.match(report.pairs('process'), { uid: '0 0', gid: '0 0', cwd: '/' })
    t.ok(report.lines('dir:/').includes('bin'), "the container's root")
    t.notOk(report.lines('dir:/').includes('usr'), "and not the host's")
  })
}

scenario(
  'exec joins a time namespace',
  { peers: { runc: 'since 1.2', crun: 'does not fork for it' } },
  async (t, box) => {
    const id = await started(t, box, {
      linux: {
        namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'time' }],
        timeOffsets: { boottime: { secs: 1_000_000, nanosecs: 0 } },
      },
      hostname: undefined,
    })
    const report = probed(t, box, [], id, ['ns', 'file:/proc/uptime'])
    t.strictSame(report.pairs('ns'), namespacesOf(box.state(id)?.pid ?? 0))
    t.ok(Number(report.text('file:/proc/uptime').split(' ')[0]) >= 1_000_000, 'and sees its clocks')
  },
)

scenario(
  'exec in a container without a mount namespace stays in its root',
  { peers: { runc: 'lands in the host', crun: 'lands in the host' } },
  async (t, box) => {
    const id = await started(t, box, {
      mounts: [],
      linux: { namespaces: [{ type: 'uts' }], maskedPaths: [], readonlyPaths: [] },
      root: { readonly: false },
    })
    const report = probed(t, box, [], id, ['dir:/', 'process'])
    t.ok(report.lines('dir:/').includes('bin'))
    t.notOk(report.lines('dir:/').includes('usr'))
  },
)

scenario('exec joins the cgroups of the container', { skip: needsController('pids') }, async (t, box) => {
  const id = await started(t, box)
  const own = readFileSync(`/proc/${box.state(id)?.pid ?? 0}/cgroup`, 'utf8').trim()
  t.equal(probed(t, box, [], id, [cgroups]).text(cgroups), own)
})

const subgroups = { skip: needsController('pids'), peers: { crun: 'takes one path' } }
scenario('exec --cgroup', subgroups, async (t, box) => {
  const id = await started(t, box)
  const pid = box.state(id)?.pid
  const own = readFileSync(`/proc/${pid ?? 0}/cgroup`, 'utf8').trim()
  const sub = join(cgroupOf(pid, 'pids'), 'sub')
  mkdirSync(sub)
  box.defer(() => existsSync(sub) && rmdirSync(sub))
  const flag = hasV1('pids') ? 'pids:sub' : 'sub'
  const inSub = probed(t, box, ['--cgroup', flag], id, [cgroups]).lines(cgroups)
  const isChosen = (line: string): boolean => (hasV1('pids') ? /^\d+:([^:]*,)?pids[,:]/ : /^0::/).test(line)
  t.strictSame(
    inSub,
    own.split('\n').map((line) => (isChosen(line) ? `${line}/sub` : line)),
    'and the others stay',
  )
  t.equal(probed(t, box, ['--cgroup', '/'], id, [cgroups]).text(cgroups), own)
  for (const [value, words] of [
    ['nonexistent', / adding pid .*no such file or directory/],
    [flag.replace('sub', 'nonexistent'), / adding pid .*no such file or directory/],
    ['../x', /bad sub cgroup path|is not a sub cgroup path/],
    ['nosuch:sub', 'unknown controller '],
  ] as const) {
    const refused = exec(box, ['--cgroup', value], id, ['true'])
    t.equal(refused.status, 255, value)
    t.match(refused.stderr, words)
  }
})

// ---- standard streams and descriptors ----

scenario('exec passes stdin, stdout and stderr through', {}, async (t, box) => {
  const id = await started(t, box)
  const text = 'line of text\n'.repeat(20_000)
  const result = exec(box, [], id, ['sh', '-c', 'cat; echo problem >&2'], { stdin: text })
  t.equal(result.status, 0)
  t.equal(result.stdout === text, true, 'all of stdin came back on stdout')
  t.equal(result.stderr, 'problem\n', 'and stderr is apart')
})

scenario('exec lets the user open its standard descriptors', {}, async (t, box) => {
  const id = await started(t, box)
  const result = exec(box, ['-u', '1000'], id, ['sh', '-c', 'echo out >/dev/stdout && echo err >/dev/stderr'])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'out\n')
  t.equal(result.stderr, 'err\n')
  t.equal(statSync('/dev/null').uid, 0, 'without giving it the null device')
})

scenario('exec has the session keyring of the container', {}, async (t, box) => {
  const keyring = (result: Result): string | undefined => readReport(result).lines('keyring')[0]
  const own = keyring(box.call(['run', '--bundle', box.bundle(probing(['keyring'])).dir, box.id()]))
  const id = await started(t, box)
  const [first, second] = [1, 2].map(() => keyring(exec(box, [], id, ['/bin/probe', 'keyring'])))
  t.equal(first, second, 'the same for all processes')
  t.match(first, `_ses.${id}`)
  t.not(first, own)
})

scenario(
  'exec gives the process the standard descriptors and those of --preserve-fds',
  { peers: { crun: 'does not check them' } },
  async (t, box) => {
    const id = await started(t, box)
    const numbers = (report: Report): string[] => report.lines('fds').map((line) => line.split(' ')[0] ?? '')
    t.strictSame(numbers(probed(t, box, [], id, ['fds'])), ['0', '1', '2'])
    const kept = exec(box, ['--preserve-fds', '2'], id, ['/bin/probe', 'fds'], { fds: [1, 2, 1, 2] })
    t.strictSame(numbers(readReport(kept)), ['0', '1', '2', '3', '4'])
  },
)

scenario('exec forwards signals and resets dispositions', {}, async (t, box) => {
  const id = await started(t, box)
  const running = box.begin(['exec', id, '/bin/probe', 'wait'])
  await until(() => running.output().stdout.includes('ready'), 'ready')
  running.kill('SIGUSR1')
  await until(() => running.output().stdout.includes('signal 10'), 'SIGUSR1 arrives')
  running.kill('SIGTERM')
  t.equal((await running.exited).status, 42)
  const clean = probed(t, box, [], id, [status]).pairs(status)
  t.match(clean, { SigBlk: '0000000000000000', SigIgn: '0000000000000000' })
})

scenario(
  'exec --detach, --pid-file and --pidfd-socket',
  { peers: { crun: 'has no --pidfd-socket', runc: 'since 1.2' } },
  async (t, box) => {
    const id = await started(t, box)
    const file = join(box.dir, 'pid')
    const receiver = await openPidfd(box)
    const result = exec(box, ['-d', '--pid-file', file, '--pidfd-socket', receiver.socket], id, ['/bin/probe', 'wait'])
    t.equal(result.status, 0, result.stderr)
    const pid = Number(readFileSync(file, 'utf8'))
    t.equal(await receiver.pid(), pid)
    t.equal(processes().has(pid), true)
    await until(() => result.later().stdout.includes('ready'), 'its output goes on')
    process.kill(pid, 'SIGTERM')
    await until(() => receiver.exited(), 'and the pidfd tells its end')
  },
)

scenario(
  'exec leaves nothing running when the pid file cannot be written',
  { peers: { crun: 'fails with 1, in other words' } },
  async (t, box) => {
    const id = await started(t, box)
    const result = exec(box, ['-d', '--pid-file', join(box.dir, 'none/pid')], id, ['/bin/probe', 'pause'])
    t.equal(result.status, 255)
    t.match(result.stderr, 'no such file or directory')
    t.equal(processes().size, 1)
  },
)

scenario('100 execs at once', {}, async (t, box) => {
  const id = await started(t, box)
  const all: Running[] = []
  for (let n = 0; n < 100; n++)
    all.push(box.begin(['exec', id, '/bin/probe', `exit:${n}`], { stdin: '', timeout: 120_000 }))
  const statuses = await Promise.all(all.map(async ({ exited }) => (await exited).status))
  t.strictSame(
    statuses,
    statuses.map((_, n) => n),
    'each has its own status',
  )
})

// ---- terminals ----

scenario('exec -t in the foreground', { peers: { crun: 'writes into the terminal' } }, async (t, box) => {
  const id = await started(t, box)
  const result = exec(box, ['-t'], id, ['/bin/probe', 'terminal', 'process', 'exit:3'], { wrap: onTerminal(33, 77) })
  t.equal(result.status, 3, result.stderr)
  const report = readReport(result)
  t.match(report.pairs('terminal'), {
    0: '/dev/pts/0',
    1: '/dev/pts/0',
    2: '/dev/pts/0',
    controlling: 'ok',
    size: '33 77',
  })
  const { pid, sid } = report.pairs('process')
  t.equal(sid, pid, 'a session of its own')
})

scenario('exec -t --console-socket', { peers: { crun: 'does not give the terminal to the user' } }, async (t, box) => {
  const id = await started(t, box)
  const console = await openConsole(box)
  const result = exec(box, ['-t', '-d', '--console-socket', console.socket, '-u', '1000'], id, [
    '/bin/probe',
    'terminal',
    'stat:/dev/pts/0',
  ])
  t.equal(result.status, 0, result.stderr)
  await until(() => console.text().includes('== stat:'), 'terminal output')
  t.match(console.text(), /^0 \/dev\/pts\/0$/m)
  await until(
    () => /^char \d+ 1000:5 /m.test(console.text().replaceAll('\r', '')),
    'it belongs to the user and the group of the mount',
  )
})

scenario(
  'exec takes sockets by long and by relative paths',
  { peers: { runc: 'limits them to sun_path', crun: 'limits them to sun_path' } },
  async (t, box) => {
    const id = await started(t, box)
    const deep = 'd'.repeat(120)
    mkdirSync(join(box.dir, deep))
    for (const directory of [deep, '.']) {
      const console = await openConsole(box, join(directory, 'console.sock'))
      const receiver = await openPidfd(box, join(directory, 'pidfd.sock'))
      const at = (path: string): string => (directory === '.' ? path.slice(box.dir.length + 1) : path)
      const flags = ['-t', '-d', '--console-socket', at(console.socket), '--pidfd-socket', at(receiver.socket)]
      const result = exec(box, flags, id, ['/bin/probe', 'say:hello', 'pause'], { cwd: box.dir })
      t.equal(result.status, 0, result.stderr)
      await until(() => console.text().includes('hello'), 'terminal output')
      process.kill(await receiver.pid(), 'SIGKILL')
      await until(() => receiver.exited(), 'the pidfd is of the process')
    }
  },
)

scenario(
  'exec --detach with a terminal requires --console-socket',
  { peers: { crun: 'fails with 1, in other words' } },
  async (t, box) => {
    const id = await started(t, box)
    t.equal(exec(box, ['-t', '-d'], id, ['true']).status, 255, 'detached without a socket')
    t.equal(
      exec(box, ['-t', '-d', '--console-socket', join(box.dir, 'none')], id, ['true']).status,
      255,
      'a socket that is not there',
    )
    const console = await openConsole(box)
    t.equal(exec(box, ['-d', '--console-socket', console.socket], id, ['true']).status, 255, 'a socket for no terminal')
    t.equal(processes().size >= 1, true)
  },
)
