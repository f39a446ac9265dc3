/*
 * Signals that arrive before a foreground `run` or `exec` forwards any: they stay pending, and the container's process gets them. Otherwise
 * the runtime would end and leave an unsupervised process.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../../harness/bundle.ts'
import { needsCommand } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

scenario('run: a signal while a poststart hook runs goes to the process', {}, (t, box) => {
  const out = join(box.dir, 'out')
  mkdirSync(out, { mode: 0o777 })
  // The process reports when it has its handler, and the hook then signals its parent, the runtime.
  const script = 'trap "echo got it; exit 7" TERM; : >/out/ready; while :; do sleep 0.1; done'
  const hook = `while [ ! -e ${out}/ready ]; do sleep 0.02; done; kill -TERM $PPID; : >${out}/sent`
  const bundle = box.bundle({
    process: { args: ['sh', '-c', script] },
    mounts: mountsWith({ destination: '/out', type: 'bind', source: out, options: ['bind'] }),
    hooks: { poststart: [{ path: '/bin/sh', args: ['sh', '-c', hook] }] },
  })
  const id = box.id()
  const result = box.call(['run', '--bundle', bundle.dir, id])
  t.same({ status: result.status, stdout: result.stdout }, { status: 7, stdout: 'got it\n' }, result.stderr)
  t.ok(existsSync(join(out, 'sent')), 'the hook came to its end')
  t.equal(box.state(id), undefined, 'the container is removed')
})

scenario('exec: a signal before the process runs goes to the process', { skip: needsCommand('strace') }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['sleep', '100'] } })
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
  // The first message to init after the pid file: init waits for it before it executes the program.
  const inject = 'inject=sendto:signal=TERM:when=1'
  const wrap = ['strace', '-o', join(box.dir, 'trace'), '-e', 'trace=sendto,rename', '-e', inject]
  const result = box.call(['exec', '--pid-file', join(box.dir, 'pid'), id, 'sleep', '77'], { wrap })
  t.equal(result.status, 143, `the process ended by the signal: ${result.stderr}`)
  t.notMatch(box.call(['ps', id]).stdout, 'sleep 77', 'and is not left behind')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
