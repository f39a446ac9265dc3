/*
 * listenerPath and listenerMetadata (config-linux.md, "Seccomp" and "The Container Process State"): the agent at the socket receives
 * the listener and one state, and responds to the calls, for create and run, with and without noNewPrivileges.
 */
import { chmodSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { callAs, needsUser, rootlessBundle } from '../../harness/ordinary-user.ts'
import { compiled } from '../../harness/project.ts'
import { needsCommand } from '../../harness/requires.ts'
import { type Box, type Running, scenario, until } from '../../harness/scenario.ts'

const ENOANO = 55
const mkdirs = ['mkdir', 'mkdirat']

async function openAgent(box: Box, errno: number): Promise<{ socket: string; running: Running }> {
  const socket = join(box.dir, 'agent.sock')
  const running = box.helper([compiled('aid'), 'agent', socket, String(errno)])
  await until(() => running.output().stdout.startsWith('listening\n'), 'aid agent')
  return { socket, running }
}

const stateOf = ({ output }: Running) => JSON.parse(/^state (.*)$/m.exec(output().stdout)?.[1] ?? 'null')

const notifying = (socket: string, names: readonly string[], patch: Patch = {}): Patch => ({
  process: { args: ['sh', '-c', 'mkdir /tmp/x 2>&1; echo done'], ...(patch.process as Patch | undefined) },
  root: { path: 'rootfs', readonly: false },
  annotations: { purpose: 'agent' },
  linux: {
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: [process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
      listenerPath: socket,
      listenerMetadata: 'secret "agent" data',
      syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
    },
  },
})

for (const noNewPrivileges of [true, false]) {
  const peers = { runc: 'no agent in Debian’s build', crun: 'another JSON' }
  scenario(`run: the agent decides a call, noNewPrivileges ${noNewPrivileges}`, { peers }, async (t, box) => {
    const { socket, running } = await openAgent(box, ENOANO)
    const bundle = box.bundle(notifying(socket, mkdirs, { process: { noNewPrivileges } }))
    const id = box.id()
    const result = box.call(['run', '--bundle', bundle.dir, id])
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, /No anode/, 'the errno is the agent’s')
    t.match(result.stdout, /done/)
    const state = stateOf(running)
    t.match(state, {
      ociVersion: '1.0.2',
      fds: ['seccompFd'],
      metadata: 'secret "agent" data',
      state: { ociVersion: '1.0.2', id, status: 'creating', bundle: bundle.dir, annotations: { purpose: 'agent' } },
    })
    t.ok(state.pid > 1 && state.pid === state.state.pid, 'the pid is the one that the runtime sees')
    t.match(running.output().stdout, /^call \d+ of \d+$/m)
  })
}

for (const noNewPrivileges of [true, false]) {
  const name = `an ordinary user's run and exec: the agent decides, noNewPrivileges ${noNewPrivileges}`
  scenario(name, { user: 'any', skip: needsUser() }, async (t, box) => {
    const { socket, running } = await openAgent(box, ENOANO)
    chmodSync(socket, 0o666)
    const args = ['sh', '-c', 'mkdir /tmp/x 2>&1; echo done; exec sleep 100']
    const dir = rootlessBundle(box, notifying(socket, mkdirs, { process: { noNewPrivileges, args } }))
    const id = box.id()
    const result = callAs(box, ['run', '--detach', '--bundle', dir, id])
    t.equal(result.status, 0, result.stderr)
    await until(() => result.later().stdout.includes('done'), 'the process')
    t.match(result.later().stdout, /No anode/, 'the errno is the agent’s')
    t.match(stateOf(running), { fds: ['seccompFd'], state: { id, status: 'creating' } })
    running.kill('SIGKILL')
    await running.exited
    unlinkSync(socket)
    const second = await openAgent(box, 0)
    chmodSync(socket, 0o666)
    t.match(callAs(box, ['exec', id, 'sh', '-c', 'mkdir /tmp/y; echo made']), { status: 0, stdout: 'made\n' })
    t.match(stateOf(second.running), { fds: ['seccompFd'], state: { id, status: 'running' } })
    t.equal(callAs(box, ['delete', '--force', id]).status, 0)
  })
}

scenario(
  'an unprivileged user: a filter that notifies of the call that sends the listener',
  { skip: needsUser() },
  (t, box) => {
    const dir = rootlessBundle(box, notifying(join(box.dir, 'agent.sock'), ['mkdir', 'sendmsg']))
    const result = callAs(box, ['run', '--bundle', dir, box.id()])
    t.match(result, {
      status: 1,
      stderr: /linux\.seccomp\.syscalls\[0\]\.action: SCMP_ACT_NOTIFY .* sendmsg .*CAP_SYS_PTRACE/,
    })
  },
)

scenario('root without CAP_SYS_PTRACE', { skip: needsCommand('setpriv') }, async (t, box) => {
  const { socket } = await openAgent(box, ENOANO)
  const bundle = box.bundle(notifying(socket, mkdirs))
  const wrap = ['setpriv', '--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace']
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap })
  t.match(result, { status: 0, stdout: /No anode[\s\S]*done/ })
})

scenario('create: the listener is delivered then, and still works after the start', {}, async (t, box) => {
  const { socket, running } = await openAgent(box, ENOANO)
  const bundle = box.bundle(notifying(socket, mkdirs))
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(created.status, 0, created.stderr)
  await until(() => stateOf(running) !== null, 'the state')
  t.equal(stateOf(running).pid, box.state(id)?.pid)
  t.equal(box.call(['start', id]).status, 0)
  await until(() => created.later().stdout.includes('done'), 'the process')
  t.match(created.later().stdout, /No anode/)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('exec: its own listener, with the pid of its process and the state of the container', {}, async (t, box) => {
  const first = await openAgent(box, ENOANO)
  const bundle = box.bundle(notifying(first.socket, mkdirs, { process: { args: ['sleep', '100'] } }))
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
  first.running.kill('SIGKILL')
  await first.running.exited
  unlinkSync(first.socket)
  const { running } = await openAgent(box, 0)
  const result = box.call(['exec', id, 'sh', '-c', 'mkdir /tmp/y && echo made'])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'made\n', 'the second agent lets it pass')
  const state = stateOf(running)
  t.match(state, { fds: ['seccompFd'], state: { id, status: 'running', pid: box.state(id)?.pid } })
  t.not(state.pid, state.state.pid)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

for (const noNewPrivileges of [true, false]) {
  scenario(`a filter that notifies of init's own calls, noNewPrivileges ${noNewPrivileges}`, {}, async (t, box) => {
    const { socket, running } = await openAgent(box, 0)
    // Sending the listener to the agent must not need any of them.
    const names = ['sendmsg', 'close', 'read', 'execve', 'prctl', 'capset', 'setresuid', 'chdir', 'close_range']
    const bundle = box.bundle(notifying(socket, names, { process: { noNewPrivileges, args: ['echo', 'alive'] } }))
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 0, result.stderr)
    t.equal(result.stdout, 'alive\n')
    t.ok((running.output().stdout.match(/^call /gm) ?? []).length > 1)
  })
}

scenario('a missing agent is an error that names the property, and nothing is left', {}, (t, box) => {
  const bundle = box.bundle(notifying(join(box.dir, 'nobody.sock'), mkdirs))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(
    result.stderr,
    /linux\.seccomp\.listenerPath: failed to connect with seccomp agent: connect .*nobody\.sock: ENOENT/,
  )
})

scenario('an agent is not contacted if the filter does not notify', {}, (t, box) => {
  const patch = notifying(join(box.dir, 'nobody.sock'), mkdirs)
  const { seccomp } = patch.linux as { seccomp: Patch }
  const linux = { seccomp: { ...seccomp, syscalls: [{ names: mkdirs, action: 'SCMP_ACT_ALLOW' }] } }
  const bundle = box.bundle({ ...patch, linux })
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0, 'If NOTIFY is not used this value is ignored')
})

for (const by of ['run.oci.seccomp.receiver', 'RUN_OCI_SECCOMP_RECEIVER'] as const) {
  const peers = { runc: 'has neither', crun: 'another JSON' }
  scenario(`${by} names the agent where the profile does not`, { peers }, async (t, box) => {
    const { socket, running } = await openAgent(box, ENOANO)
    const patch = notifying(socket, mkdirs)
    const { seccomp } = patch.linux as { seccomp: Patch }
    const linux = { seccomp: { ...seccomp, listenerPath: undefined, listenerMetadata: undefined } }
    const isAnnotation = by.startsWith('run')
    const bundle = box.bundle({ ...patch, linux, ...(isAnnotation && { annotations: { [by]: socket } }) })
    const env = isAnnotation ? {} : { [by]: socket }
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { env })
    t.match(result.stdout, /No anode/, result.stderr)
    t.equal(stateOf(running).metadata, undefined)
  })
}
