/*
 * Commands that are killed at each of their system calls in turn: no command leaves a container frozen that it should not
 * freeze, and after an interrupted `pause` or `resume` the container is `running` or `paused`, and `resume` and
 * `delete --force` work.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cgroupOf, pidsUpTo } from '../../harness/cgroup.ts'
import { either, needsCommand, needsController, needsPlainProgram } from '../../harness/requires.ts'
import { type Box, type CallOptions, type Result, scenario, until } from '../../harness/scenario.ts'

const skip = either(needsPlainProgram(), needsCommand('strace'), needsController('freezer'))
const threads = 'has threads: its calls have no order'
const peers = { runc: threads, 'runt-node': threads, crun: 'not its promise' }

/** Traces a command: each of its system calls as `name` and its index among the calls of that name. */
function callsOf(box: Box, args: readonly string[], stdin = ''): readonly (readonly [name: string, nth: number])[] {
  const trace = join(box.dir, 'trace')
  const result = box.call(args, { wrap: ['strace', '-o', trace], stdin })
  if (result.status !== 0) throw new Error(result.stderr)
  const counts = new Map<string, number>()
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const name = /^(\w+)\(/.exec(line)?.[1]
      // Nothing of the command happens before execve, and nothing after exit_group.
      if (name === undefined || name === 'execve' || name === 'exit_group') return []
      counts.set(name, (counts.get(name) ?? 0) + 1)
      return [[name, counts.get(name) ?? 0] as const]
    })
}

/** Sends SIGKILL when that system call is entered. */
const killedAt = ([name, nth]: readonly [string, number]): CallOptions => ({
  wrap: ['strace', '-o', '/dev/null', '-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${nth}`],
})

/** It was killed there, or made fewer calls this time and completed. */
function died(t: Test, { status }: Result, call: readonly [string, number]): void {
  t.ok(status === 137 || status === 0, `killed at ${call.join(' ')}: ${status}`)
}

function detached(t: Test, box: Box): string {
  const id = box.id()
  const bundle = box.bundle({ process: { args: ['sh', '-c', 'while :; do echo x; sleep 0.01; done'] } })
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  return id
}

/** No process in the container is frozen or being frozen. */
function isThawed(box: Box, id: string): boolean {
  const dir = cgroupOf(box.state(id)?.pid, 'freezer')
  try {
    return readFileSync(join(dir, 'freezer.state'), 'utf8') === 'THAWED\n'
  } catch {
    return readFileSync(join(dir, 'cgroup.freeze'), 'utf8') === '0\n'
  }
}

scenario('pause killed at each system call', { skip, peers }, async (t, box) => {
  const id = detached(t, box)
  const calls = callsOf(box, ['pause', id])
  t.equal(box.call(['resume', id]).status, 0)
  let paused = 0
  for (const call of calls) {
    died(t, box.call(['pause', id], killedAt(call)), call)
    const status = box.state(id)?.status
    if (status === 'paused') {
      paused++
      t.equal(box.call(['resume', id]).status, 0, `${call.join(' ')}: resume goes on with it`)
    } else t.equal(status, 'running', call.join(' '))
    t.ok(isThawed(box, id))
  }
  t.ok(paused > 0 && paused < calls.length, `${paused} of ${calls.length} had asked already`)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('resume killed at each system call', { skip, peers }, async (t, box) => {
  const id = detached(t, box)
  t.equal(box.call(['pause', id]).status, 0)
  const calls = callsOf(box, ['resume', id])
  for (const call of calls) {
    t.equal(box.call(['pause', id]).status, 0)
    died(t, box.call(['resume', id], killedAt(call)), call)
    const status = box.state(id)?.status
    if (status === 'paused') t.equal(box.call(['resume', id]).status, 0, `${call.join(' ')}: again`)
    else t.equal(status, 'running', call.join(' '))
    t.ok(isThawed(box, id))
  }
  t.equal(box.call(['pause', id]).status, 0)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const rules =
  '{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}]}'

for (const [title, before, after, stdin, missing] of [
  [
    'update',
    ['update', '--pids-limit', '50', '--cpu-share', '512'],
    [],
    '',
    either(needsController('pids'), needsController('cpu')),
  ],
  ['update of device rules', ['update', '-r', '-'], [], rules, false],
  ['kill --all', ['kill', '--all'], ['0'], '', false],
  ['ps', ['ps', '--format', 'json'], [], '', false],
  ['exec', ['exec'], ['true'], '', false],
] as const) {
  scenario(
    `${title} freezes nothing, killed at each system call`,
    { skip: either(skip, missing), peers },
    async (t, box) => {
      const id = detached(t, box)
      const args = [...before, id, ...after]
      for (const call of callsOf(box, args, stdin)) {
        box.call(args, { ...killedAt(call), stdin })
        if (!isThawed(box, id)) t.fail(`killed at ${call.join(' ')}: leaves a frozen container`)
      }
      t.equal(box.state(id)?.status, 'running')
      t.equal(box.call(['delete', '--force', id]).status, 0)
    },
  )
}

for (const [title, end] of [
  ['delete --force', ['delete', '--force']],
  ['kill --all', ['kill', '--all']],
] as const) {
  scenario(
    `${title} of processes that fork and exit, faster than they can be listed`,
    { skip, peers },
    async (t, box) => {
      const id = box.id()
      // Without a pid namespace, whose end would kill all processes.
      const namespaces = ['mount', 'uts', 'ipc', 'network'].map((type) => ({ type }))
      const resources = { devices: [{ allow: false, access: 'rwm' }], ...pidsUpTo(100) }
      const bundle = box.bundle({ process: { args: ['/bin/probe', 'run-away:2'] }, linux: { namespaces, resources } })
      t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
      const pid = box.state(id)?.pid
      const procs = join(cgroupOf(pid, 'freezer'), 'cgroup.procs')
      await until(() => readFileSync(procs, 'utf8').split('\n').length > 3, 'both of them')
      t.match(box.call([...end, id, ...(title === 'kill --all' ? ['KILL'] : [])]), { status: 0, stderr: '' })
      if (title === 'kill --all') {
        await until(() => readFileSync(procs, 'utf8') === '', 'the end of all')
        t.equal(box.call(['delete', id]).status, 0)
      }
      t.equal(box.state(id), undefined)
    },
  )
}
