/* Unusual images and callers: the container runs, or is refused at once. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, fresh, moveRootfs, outcome } from '../../harness/attack.ts'
import { mountsWith, mountsWithout } from '../../harness/bundle.ts'
import { openConsole } from '../../harness/console.ts'
import { probing, readReport } from '../../harness/probe.ts'
import { scenario, until } from '../../harness/scenario.ts'

attack(
  'CVE-2026-115521: a /proc/self/fd of the image keeps the root writable',
  // The root is made read-only by its descriptor: there is no protection to turn off.
  { walls: [], stopped: /^ran: [\s\S]*== create:\/new\nEROFS\n/ },
  (box) => {
    const bundle = fresh(
      box,
      probing(['say:alive', 'create:/new', 'create:/tmp/new'], { mounts: mountsWithout('/proc') }),
    )
    for (let fd = 0; fd < 64; fd++) mkdirSync(join(bundle.rootfs, `proc/self/fd/${fd}`), { recursive: true })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => / ok$/m.test(output) || existsSync(join(bundle.rootfs, 'new')))
  },
)

scenario('a root file system that is itself a link', { peers: { runc: 'refuses it' } }, (t, box) => {
  const bundle = fresh(box, probing(['dir:/']))
  moveRootfs(bundle, join(box.dir, 'real'))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.match(readReport(result).lines('dir:/'), ['bin'], result.stderr)
})

scenario('a console socket that the peer closes or writes to', {}, async (t, box) => {
  const bundle = fresh(box, probing(['terminal'], { process: { terminal: true } }))
  const console = await openConsole(box)
  console.running.kill('SIGKILL')
  await console.running.exited
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, '--console-socket', console.socket, id])
  t.match(result.stderr, /--console-socket|process\.terminal/, `refused, with a reason: ${result.status}`)
  t.not(result.status, 0)
  t.not(result.status, 137, 'and does not hang')
  await until(() => box.state(id) === undefined, 'no container')
})

scenario('error messages escape control characters of names in the image', {}, (t, box) => {
  const mount = { destination: '/d', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=4k'] }
  const bundle = fresh(box, { mounts: mountsWith(mount) })
  mkdirSync(join(bundle.rootfs, 'd'))
  writeFileSync(join(bundle.rootfs, 'd/\u001b[31mred\nruntime: all is well'), 'x'.repeat(100_000))
  const { status, stderr } = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(status, 0)
  t.match(stderr, /mounts\[7\] .*red/, 'the name is told')
  t.notMatch(stderr, '\u001b', 'without its control characters')
  t.match(stderr, /^[^\n]*\n$/, 'in one line')
})
