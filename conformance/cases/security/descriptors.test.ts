/*
 * Descriptors between the caller, the runtime and the container: standard streams that the caller has closed, others that it has left
 * open, and the memory file that init is executed from (CVE-2019-5736).
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../../harness/bundle.ts'
import { compiled } from '../../harness/project.ts'
import { type Box, runProgram, scenario } from '../../harness/scenario.ts'

/** What the descriptors of a process refer to. */
const linksOf = (pid: number | undefined): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`)
    .sort((a, b) => Number(a) - Number(b))
    .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))

scenario(
  'the memory file of init is sealed against writing, growing, shrinking and unsealing',
  { peers: { runc: 'has no init of its own', crun: 'has no init of its own' } },
  (t, box) => {
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const result = runProgram(box.dir, [compiled('aid'), 'seals', `/proc/${box.state(id)?.pid}/exe`])
    t.equal(result.stdout, 'seal\nshrink\ngrow\nwrite\n', result.stderr)
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

/** A directory of the host that is mounted in the container at /out. */
function outbox(box: Box) {
  const dir = join(box.dir, 'out')
  mkdirSync(dir, { mode: 0o777 })
  const mounts = mountsWith({ destination: '/out', type: 'bind', source: dir, options: ['bind'] })
  const read = (name: string): string =>
    existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : 'nothing'
  return { mounts, read }
}

const nulls = ['/dev/null', '/dev/null', '/dev/null']

for (const closed of ['0', '1', '2', '0 1', '1 2', '0 2', '0 1 2']) {
  scenario(`a caller that has closed descriptor ${closed}`, { peers: { crun: 'the container has none' } }, (t, box) => {
    const { mounts, read } = outbox(box)
    const redirections = ['0', '1', '2'].map((fd) => (closed.includes(fd) ? `${fd}>&-` : `${fd}<>/dev/null`)).join(' ')
    const wrap = ['sh', '-c', `exec "$@" ${redirections}`, 'sh']
    const bundle = box.bundle({ process: { args: ['sleep', '100'] }, mounts })
    const script = 'found=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done); echo "$found" >/out/exec'
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id], { wrap }).status, 0)
    t.same(linksOf(box.state(id)?.pid).slice(0, 3), nulls, 'init')
    t.equal(box.call(['start', id], { wrap }).status, 0)
    t.equal(box.call(['exec', id, 'sh', '-c', script], { wrap }).status, 0)
    t.same(read('exec').trimEnd().split('\n'), nulls, 'the process of exec')
    t.same(linksOf(box.state(id)?.pid), nulls, 'the first process')
    t.equal(box.call(['delete', '--force', id], { wrap }).status, 0)
  })
}

scenario('descriptors that the caller left open reach neither init nor a hook', {}, (t, box) => {
  const { mounts } = outbox(box)
  const secret = join(box.dir, 'secret')
  writeFileSync(secret, 'secret')
  const own = 'ls -l /proc/self/fd >OUT'
  // Init waits meanwhile, and has not closed any descriptor itself.
  const inits = `; pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/') && ls -l /proc/$pid/fd >>OUT && echo init >>OUT`
  const hook = (name: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `${own}${name === 'createRuntime' ? inits : ''}`.replaceAll('OUT', join(box.dir, 'out', name))],
  })
  const names = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
  const bundle = box.bundle({
    process: { args: ['sleep', '100'] },
    mounts,
    hooks: Object.fromEntries(names.map((name) => [name, [hook(name)]])),
  })
  const held = Array.from({ length: 20 }, () => openSync(secret, 'r'))
  const id = box.id()
  try {
    t.equal(box.call(['create', '--bundle', bundle.dir, id], { fds: held }).status, 0)
    const pid = box.state(id)?.pid
    t.notOk(linksOf(pid).includes(secret), 'init')
    t.equal(box.call(['start', id], { fds: held }).status, 0)
    t.notOk(linksOf(pid).includes(secret), 'the first process')
    t.equal(box.call(['delete', '--force', id], { fds: held }).status, 0)
  } finally {
    for (const fd of held) closeSync(fd)
  }
  for (const name of names) {
    const links = readFileSync(join(box.dir, 'out', name), 'utf8')
    t.match(links, `/out/${name}`, `${name} ran`)
    t.notMatch(links, 'secret', name)
    if (name === 'createRuntime') t.match(links, /^init$/m, 'init was looked at')
  }
})
