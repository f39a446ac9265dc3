/*
 * External faults: damaged records, concurrent commands, failing system calls, a lack of descriptors. Afterwards
 * `delete --force` always exits with 0 and nothing is left, or the failed command has cleaned up itself. faults/ has kills,
 * and failures at each step and call.
 */
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Census, leaks, takeCensus, token } from '../harness/census.ts'
import { probing } from '../harness/probe.ts'
import { runtime } from '../harness/project.ts'
import { needsCommand } from '../harness/requires.ts'
import { type Box, leftSince, pause, scenario, sweepAll, until } from '../harness/scenario.ts'
import { guards, topics } from './faults/guards.ts'

/** Checks that only what existed before is left; the failure message describes the trial. */
async function clean(t: Test, box: Box, before: Census, trial: string): Promise<void> {
  const found = await leftSince(box, before)
  if (found === undefined) return
  t.fail(`${trial}: left behind`, { found })
  await sweepAll(box)
}

/** Node aborts or hangs if its own threads, pipes or memory fail, before runt's code runs. */
const hitsNode = { 'runt-node': 'the fault hits Node itself' }

scenario('a foreground run that is killed leaves a container that delete --force removes', {}, async (t, box) => {
  const bundle = box.bundle(probing(['say:up', 'pause']))
  const id = box.id()
  const running = box.begin(['run', '--bundle', bundle.dir, id])
  await until(() => running.output().stdout.includes('up'), 'up')
  running.kill('SIGKILL')
  await running.exited
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

/** The state files of a running container; links beside them are not files of its own. */
function stateFiles(box: Box, id: string): readonly string[] {
  return readdirSync(join(box.root, id), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(box.root, id, entry.name))
}

const damages: Readonly<Record<string, (path: string) => void>> = {
  'cut in half': (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  empty: (path) => truncateSync(path, 0),
  'of another kind': (path) => writeFileSync(path, '[1, "not a state"]'),
  'not JSON': (path) => writeFileSync(path, '\0\0\0\0'),
  missing: (path) => rmSync(path),
}

for (const [name, damage] of Object.entries(damages)) {
  scenario(
    `state files ${name}, container running`,
    {
      peers: { runc: 'cannot be removed', crun: 'forgets the process' },
    },
    async (t, box) => {
      const bundle = box.bundle(probing(['pause']))
      const probeId = box.id()
      t.equal(box.call(['run', '-d', '--bundle', bundle.dir, probeId]).status, 0)
      const names = stateFiles(box, probeId).map((path) => path.slice(join(box.root, probeId).length))
      t.equal(box.call(['delete', '--force', probeId]).status, 0)
      t.ok(names.length > 0)
      const before = takeCensus(box.root)
      for (const file of [...names, 'all of them']) {
        const id = box.id()
        t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
        for (const path of stateFiles(box, id)) if (file === 'all of them' || path.endsWith(file)) damage(path)
        t.equal(box.call(['list', '--quiet']).status, 0, 'list goes on')
        const plain = box.call(['delete', id])
        if (plain.status === 0)
          t.equal(
            leaks(before, takeCensus(box.root)).processes,
            undefined,
            `${file}: delete exits 0 only if nothing runs`,
          )
        const deleted = box.call(['delete', '--force', id])
        t.equal(deleted.status, 0, `${file}: ${deleted.stderr}`)
        await clean(t, box, before, `${file} ${name}`)
      }
    },
  )
}

scenario('of concurrent creates with one id one succeeds', {}, async (t, box) => {
  const bundle = box.bundle(probing(['pause']))
  const before = takeCensus(box.root)
  for (let round = 0; round < 5; round++) {
    const id = box.id()
    const all = Array.from({ length: 8 }, () => box.begin(['create', '--bundle', bundle.dir, id], { stdin: '' }))
    const results = await Promise.all(all.map((one) => one.exited))
    const winners = results.filter((result) => result.status === 0)
    t.equal(winners.length, 1, results.map((result) => result.stderr).join(''))
    for (const loser of results.filter((result) => result.status !== 0)) t.match(loser.stderr, /exist|in use/)
    t.equal(box.state(id)?.status, 'created')
    t.equal(box.call(['delete', '--force', id]).status, 0)
    await clean(t, box, before, `round ${round}`)
  }
})

for (const [name, programs] of [
  ['one wins', ['/bin/probe', '/bin/probe', '/bin/probe', '/bin/probe']],
  ['one that fails takes nothing from another', ['/bin/probe', '/none', '/bin/probe', '/none']],
] as const) {
  const peers = { runc: 'claims nothing', crun: 'claims nothing' }
  scenario(`creates in one cgroup at the same time: ${name}`, { peers }, async (t, box) => {
    const linux = { cgroupsPath: `/${token}shared` }
    const bundles = programs.map((program, i) =>
      box.bundle(probing([], { process: { args: [program, 'pause'] }, linux }), { name: `b${i}` }),
    )
    const before = takeCensus(box.root)
    for (let round = 0; round < 6; round++) {
      const begun = bundles.map(({ dir }) => ({ dir, id: box.id() }))
      const running = begun.map(({ dir, id }) => box.begin(['create', '--bundle', dir, id], { stdin: '' }))
      const results = await Promise.all(running.map(({ exited }) => exited))
      const winners = results.filter(({ status }) => status === 0).length
      t.ok(winners === 1 || (winners === 0 && name !== 'one wins'), results.map(({ stderr }) => stderr).join(''))
      for (const [i, { id }] of begun.entries()) {
        if (results[i]?.status === 0) t.equal(box.call(['start', id]).status, 0, 'the winner is alive')
        else t.match(results[i]?.stderr, /linux\.cgroupsPath: .*(not empty|about to enter|ENOENT|ENODEV)|"\/none"/)
        t.equal(box.call(['delete', '--force', id]).status, 0)
      }
      await clean(t, box, before, `round ${round}`)
    }
  })
}

scenario(
  'create and delete --force of one id at the same time',
  {
    peers: { crun: 'no lock' },
  },
  async (t, box) => {
    const bundle = box.bundle(probing(['pause']))
    const before = takeCensus(box.root)
    for (let round = 0; round < 10; round++) {
      const id = box.id()
      const create = box.begin(['create', '--bundle', bundle.dir, id], { stdin: '' })
      await pause(round)
      const remove = box.begin(['delete', '--force', id], { stdin: '' })
      await Promise.all([create.exited, remove.exited])
      t.equal(box.call(['delete', '--force', id]).status, 0)
      await clean(t, box, before, `round ${round}`)
    }
  },
)

const strace = (inject: string): readonly string[] => [
  'strace',
  '-f',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  `trace=${inject.split(':')[0]}`,
  '-e',
  `inject=${inject}`,
]

scenario(
  'system calls that fail with EIO',
  {
    skip: needsCommand('strace'),
    peers: { crun: 'leaves cgroups', ...hitsNode },
  },
  async (t, box) => {
    const bundle = box.bundle()
    const before = takeCensus(box.root)
    const calls =
      'openat openat2 open flock mkdirat mkdir write read clone3 clone mount fsopen fsmount fsconfig move_mount open_tree mount_setattr pivot_root sendmsg recvmsg rename renameat execve execveat waitid wait4 unlink unlinkat fchmodat mknodat symlinkat sethostname capset setsid'
    let failed = 0
    for (const name of calls.split(' ')) {
      for (const when of [1, 3, 9]) {
        const id = box.id()
        const trial = `${name}:error=EIO:when=${when}`
        const result = box.call(['run', '--bundle', bundle.dir, id], {
          wrap: strace(`?${trial}`.slice(1)),
        })
        if (result.status === 137) t.fail(`${trial}: hangs`)
        if (result.status !== 0) failed++
        t.equal(box.call(['delete', '--force', id]).status, 0, trial)
        await clean(t, box, before, trial)
      }
    }
    t.ok(failed > 5, `${failed} trials made the command fail`)
  },
)

scenario(
  'a failing security call never leaves a weaker container running',
  {
    skip: needsCommand('strace'),
    peers: {
      runc: '1.1 ignores EINVAL on dropping a bounding capability',
      crun: '1.8 ignores EINVAL on dropping a bounding capability',
    },
  },
  async (t, box) => {
    const bundle = box.bundle(
      probing(topics, {
        linux: {
          seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['keyctl'], action: 'SCMP_ACT_ERRNO' }] },
        },
        process: { user: { uid: 1000, gid: 1000, additionalGids: [5] } },
      }),
    )
    const normal = guards(box.call(['run', '--bundle', bundle.dir, box.id()]))
    const before = takeCensus(box.root)
    const counts: Readonly<Record<string, readonly number[]>> = {
      mount: [1, 2, 5, 9],
      mount_setattr: [1, 2, 3, 4, 6, 9, 14],
      move_mount: [1, 2, 5, 9, 14, 20],
      umount2: [1],
      pivot_root: [1],
      prctl: [1, 2, 3, 4, 8, 20, 38, 40, 42],
      capset: [1, 2],
      setgroups: [1],
      setresuid: [1],
      setresgid: [1],
      setuid: [1],
      setgid: [1],
      seccomp: [1],
      sethostname: [1],
    }
    for (const [name, times] of Object.entries(counts)) {
      for (const when of times) {
        for (const errno of ['EPERM', 'EINVAL']) {
          const trial = `${name}:error=${errno}:when=${when}`
          const id = box.id()
          const result = box.call(['run', '--bundle', bundle.dir, id], { wrap: strace(trial) })
          // The injection may truncate the probe's own output: only complete output means a running container.
          if (result.status === 0) t.equal(guards(result), normal, `${trial}: as without the fault`)
          box.call(['delete', '--force', id])
          await clean(t, box, before, trial)
        }
      }
    }
  },
)

scenario(
  'few descriptors',
  { skip: needsCommand('prlimit'), peers: { runc: 'waits, or says nothing', crun: 'leaves cgroups', ...hitsNode } },
  async (t, box) => {
    const bundle = box.bundle({ process: { rlimits: undefined } })
    const before = takeCensus(box.root)
    for (const limit of [4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 26, 30, 40, 60]) {
      for (const command of ['create', 'run']) {
        const id = box.id()
        const result = box.call([command, '--bundle', bundle.dir, id], {
          wrap: ['prlimit', `--nofile=${limit}:${limit}`, '--'],
        })
        if (result.status !== 0) t.not(result.stderr, '', `limit ${limit}: says something`)
        if (result.status === 0) t.equal(box.call(['delete', '--force', id]).status, 0)
        await clean(t, box, before, `${command}, limit ${limit}`)
      }
    }
    const plenty = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: ['prlimit', '--nofile=128:128', '--'] })
    t.equal(plenty.status, 0, '128 are enough')
  },
)

scenario(
  'small files only',
  { skip: needsCommand('prlimit'), peers: { runc: 'leaves its state', crun: 'leaves its state' } },
  async (t, box) => {
    const bundle = box.bundle()
    const before = takeCensus(box.root)
    for (const limit of [0, 1, 500, 512, 1024, 2048, 3072, 4096, 16384, 65536]) {
      for (const command of ['create', 'run']) {
        // The shell's own output has the limit, too.
        const wrap = ['sh', '-c', 'prlimit --fsize=$0:$0 -- "$@" 2>&1 | cat', `${limit}`]
        const id = box.id()
        const { stdout } = box.call([command, '--bundle', bundle.dir, id], { wrap })
        t.match(stdout, /EFBIG \(file too large\)/, `${command}, limit ${limit}`)
        await clean(t, box, before, `${command}, limit ${limit}`)
      }
    }
  },
)

scenario(
  'little memory',
  { skip: needsCommand('prlimit'), peers: { runc: 'the Go runtime wants more', ...hitsNode } },
  async (t, box) => {
    const bundle = box.bundle()
    const before = takeCensus(box.root)
    for (const megabytes of [1, 2, 4, 8, 16, 64]) {
      const id = box.id()
      const result = box.call(['run', '--bundle', bundle.dir, id], {
        wrap: ['prlimit', `--as=${megabytes << 20}`, '--'],
      })
      if (result.status !== 0 && megabytes === 64) t.match(result.stderr, /memory/i)
      t.equal(box.call(['delete', '--force', id]).status, 0)
      await clean(t, box, before, `${megabytes} MB`)
    }
  },
)

scenario('stdout or stderr that cannot be written', { peers: { runc: 'exits 0', crun: 'exits 0' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  const closed = box.call(['state', id], { wrap: ['sh', '-c', 'exec "$@" >&-', 'sh'] })
  const full = box.call(['state', id], { wrap: ['sh', '-c', 'exec "$@" >/dev/full', 'sh'] })
  t.not(full.status, 0, 'a state that could not be printed is a failure')
  t.equal(closed.status === 137 || closed.status === 139, false)
  t.not(box.call(['state', 'unknown'], { wrap: ['sh', '-c', 'exec "$@" 2>&-', 'sh'] }).status, 0)
  t.equal(box.call(['delete', '--force', id], { wrap: ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'] }).status, 0)
  t.equal(existsSync(join(box.root, id)), false, runtime.name)
})

scenario('create with its stdio closed', { peers: { runc: 'its own descriptors take their place' } }, (t, box) => {
  const bundle = box.bundle(probing(['fds']))
  for (const closing of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) {
    const id = box.id()
    const result = box.call(['create', '--bundle', bundle.dir, id], {
      wrap: ['sh', '-c', `exec "$@" ${closing}`, 'sh'],
    })
    t.equal(result.status, 0, `${closing}: ${result.stderr}`)
    t.equal(box.call(['start', id]).status, 0)
    t.equal(box.call(['delete', '--force', id]).status, 0)
  }
})
