/* Few descriptors: how many the runtime and init need, and that a process's own limit does not apply to them. */
import { scenario } from '../harness/scenario.ts'

const limited = (limit: number) => [{ type: 'RLIMIT_NOFILE', soft: limit, hard: limit }]

for (const limit of [16, 62]) {
  scenario(`RLIMIT_NOFILE ${limit}: HOME is found, and the process has the limit`, {}, (t, box) => {
    const bundle = box.bundle({
      process: { args: ['sh', '-c', 'echo $HOME $(ulimit -n)'], env: ['PATH=/bin'], rlimits: limited(limit) },
    })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, `/root ${limit}`)
  })
}

scenario('RLIMIT_NOFILE 3: the process cannot open anything, init can', {}, (t, box) => {
  const bundle = box.bundle({ process: { args: ['env'], env: ['PATH=/bin'], rlimits: limited(3) } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, 'HOME=/root')
})

scenario('RLIMIT_NOFILE 16 and a startContainer hook', {}, (t, box) => {
  const mark = '/tmp/hooked'
  const bundle = box.bundle({
    root: { readonly: false },
    process: { args: ['cat', mark], rlimits: limited(16) },
    hooks: { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', `echo hooked > ${mark}`] }] },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'hooked\n')
})

scenario('ulimit -n 26 is enough for every command', {}, (t, box) => {
  // crun 1.8 needs equally many.
  const wrap = ['prlimit', '--nofile=26:26']
  const bundle = box.bundle({ process: { args: ['sleep', '1000'], rlimits: [] } })
  const id = box.id()
  for (const args of [
    ['create', '--bundle', bundle.dir, id],
    ['start', id],
    ['exec', id, 'true'],
    ['state', id],
    ['list'],
    ['delete', '--force', id],
    ['run', '--detach', '--bundle', bundle.dir, id],
    ['delete', '--force', id],
  ]) {
    const result = box.call(args, { wrap })
    t.equal(result.status, 0, `${args[0]}: ${result.stderr}`)
  }
})
