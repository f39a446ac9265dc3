/*
 * exec when a system call fails, or when exec is killed (../shared/field.md 2.3, "Measured fail-open check"): either the
 * process has all restrictions, or it does not run, the status is 255, and nothing is left running.
 */
import type { Test } from 'tap'
import { processes } from '../../harness/census.ts'
import { probing } from '../../harness/probe.ts'
import { either, needsCommand, needsPlainProgram } from '../../harness/requires.ts'
import { type Box, pause, scenario, until } from '../../harness/scenario.ts'

const calls = [
  'setns',
  'clone3',
  'prctl',
  'capset',
  'setgroups',
  'setresuid',
  'setresgid',
  'keyctl',
  'setsid',
  'seccomp',
  'prlimit64',
  'chdir',
  'close_range',
  'openat2',
  'pidfd_open',
  'recvmsg',
  'sendto',
]

async function started(test: Test, box: Box): Promise<string> {
  const id = box.id()
  const bundle = box.bundle(
    probing(['pause'], {
      linux: {
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] },
      },
    }),
  )
  const { status, stderr } = box.call(['run', '--detach', '--bundle', bundle.dir, id])
  if (status !== 0) throw new Error(`no container: ${status} ${stderr}`)
  test.pass('the container runs')
  box.defer(() => box.call(['delete', '--force', id]))
  await until(() => box.state(id)?.status === 'running', 'running')
  return id
}

scenario(
  'an exec with a failing system call does not run with fewer protections',
  {
    skip: either(needsCommand('strace'), needsPlainProgram()),
    peers: { runc: 'crashes', crun: 'fails with 1', 'runt-node': 'the fault hits Node itself' },
  },
  async (t, box) => {
    const id = await started(t, box)
    const args = [
      'exec',
      '-u',
      '1000',
      id,
      'sh',
      '-c',
      'ulimit -n; grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp)" /proc/self/status',
    ]
    const whole = box.call(args)
    t.equal(whole.status, 0, whole.stderr)
    let failed = 0
    for (const call of calls) {
      for (const when of [1, 2, 4]) {
        const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=EPERM:when=${when}`]
        const result = box.call(args, { wrap: inject })
        const name = `${call} ${when}`
        if (result.status === 0) t.equal(result.stdout, whole.stdout, `${name}: as without`)
        else t.equal(result.status, 255, `${name}: fails`, { stderr: result.stderr })
        if (result.status !== 0) failed++
        if (processes().size > 1) await until(() => processes().size === 1, `${name}: nothing is left running`)
      }
    }
    t.ok(failed > calls.length / 2, `${failed} of them failed`)
  },
)

scenario('exec that is killed leaves nothing running', {}, async (t, box) => {
  const id = await started(t, box)
  let killed = 0
  for (let n = 0; n < 60; n++) {
    const running = box.begin(['exec', id, '/bin/true'], { stdin: '' })
    await pause(n % 12)
    running.kill('SIGKILL')
    if ((await running.exited).status === 137) killed++
    await until(() => processes().size === 1, `trial ${n}: only the container runs`)
  }
  t.ok(killed > 0, `${killed} were killed before their end`)
  t.equal(box.call(['exec', id, 'true']).status, 0, 'and the next one works')
})

scenario(
  'run and exec that cannot watch their process kill it',
  {
    skip: needsCommand('strace'),
    peers: { runc: 'other calls', crun: 'other calls', 'runt-node': 'hits Node itself' },
  },
  async (t, box) => {
    const wrap = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=signalfd4:error=EMFILE']
    const id = await started(t, box)
    t.match(box.call(['exec', id, 'sleep', '321'], { wrap }), { status: 255, stderr: /EMFILE/ })
    await until(() => ![...processes().values()].includes('sleep 321'), 'its end')
    t.equal(box.state(id)?.status, 'running', 'the container lives on')
    const other = box.id()
    const bundle = box.bundle({ process: { args: ['sleep', '322'] } }, { name: 'other' })
    t.match(box.call(['run', '--bundle', bundle.dir, other], { wrap }), { status: 1, stderr: /EMFILE/ })
    t.notOk([...processes().values()].includes('sleep 322'), 'it has ended')
    t.equal(box.state(other), undefined)
  },
)
