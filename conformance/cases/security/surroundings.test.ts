/*
 * The state of the caller or of the container must not change what the runtime does: ignored signals, cgroups that the
 * container has created, and attributes of init that hooks would inherit.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig } from '../../harness/bundle.ts'
import { either, needsCommand, needsV1 } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'

scenario('a caller that ignores SIGCHLD: run ends with its container, and hooks are waited for', {}, (t, box) => {
  const hook = { path: '/bin/true' }
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'exit 3'] },
    hooks: { createRuntime: [hook], poststart: [hook], poststop: [hook] },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], {
    wrap: ['env', '--ignore-signal=CHLD'],
  })
  t.equal(result.status, 3, result.stderr)
})

scenario(
  'files that a createContainer hook makes are not writable for all',
  { skip: needsCommand('touch') },
  (t, box) => {
    const made = join(box.dir, 'made')
    const path = existsSync('/usr/bin/touch') ? '/usr/bin/touch' : '/bin/touch'
    const bundle = box.bundle({ hooks: { createContainer: [{ path, args: ['touch', made] }] } })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], {
      wrap: ['sh', '-c', 'umask 027; exec "$@"', 'sh'],
    })
    t.equal(result.status, 0, result.stderr)
    t.equal(statSync(made).mode & 0o777, 0o640, 'by the umask of the caller, not of init')
  },
)

scenario(
  'delete removes nested cgroups of the container, also with names that begin with a dot',
  { skip: either(needsV1('pids'), needsCommand('prlimit')) },
  (t, box) => {
    const namespaces = defaultConfig.linux.namespaces.filter(({ type }) => type !== 'pid')
    const bundle = box.bundle({ process: { args: ['sleep', '60'] }, linux: { namespaces } })
    const id = box.id()
    t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
    const pid = box.state(id)?.pid
    const path = /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    const mount = mounts.find((line) => / - cgroup \S+ (?:\S+,)?pids(?:,|$)/.test(line))?.split(' ')[4]
    const hidden = join(`${mount}${path}`, '.hidden')
    mkdirSync(hidden)
    const helper = box.helper(['sleep', '60'])
    writeFileSync(join(hidden, 'cgroup.procs'), String(helper.pid))
    // More levels than the initial limit of descriptors.
    mkdirSync(join(`${mount}${path}`, 'n/'.repeat(200)), { recursive: true })
    const deleted = box.call(['delete', '--force', id], { wrap: ['prlimit', '--nofile=100:4096'] })
    t.equal(deleted.status, 0, deleted.stderr)
    t.equal(existsSync(hidden), false)
  },
)

scenario(
  'a start that was killed after releasing init leaves a running container',
  { skip: needsCommand('strace') },
  async (t, box) => {
    const bundle = box.bundle({ process: { args: ['sleep', '60'] } })
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    box.call(['start', id], { wrap: ['strace', '-f', '-o', '/dev/null', '-e', 'inject=unlink:signal=KILL:when=1'] })
    await until(() => box.state(id)?.status === 'running', 'the process runs')
    const again = box.call(['start', id])
    t.match(again.stderr, /already running/)
    t.not(box.call(['delete', id]).status, 0, 'it is not deleted without force')
    t.equal(box.state(id)?.status, 'running')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario('a plan that is too large is an error, and leaves nothing', {}, (t, box) => {
  const env = Array.from({ length: 80 }, (_, n) => `E${n}=${'x'.repeat(120_000)}`)
  const bundle = box.bundle({ process: { env } })
  const id = box.id()
  const result = box.call(['run', '--bundle', bundle.dir, id])
  t.ok(result.status > 0 && result.status < 128, `status ${result.status}`)
  t.match(result.stderr, /execve/)
  t.equal(box.state(id), undefined)
})
