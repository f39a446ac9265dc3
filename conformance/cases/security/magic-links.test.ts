/*
 * Magic links of procfs other than /proc/self/fd (../shared/faults.md S1): descriptors of a thread (thread-self, task/), and map_files,
 * which leads to mapped files: for init that is its own image, which contains the plan.
 */
import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, configure, created, firstOf, fresh, link, outcome, running, victim } from '../../harness/attack.ts'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import {
  inherited,
  looking,
  once,
  reached,
  refused,
  search,
  treasures,
  withInherited,
} from '../../harness/descriptor-search.ts'
import { compiled } from '../../harness/project.ts'
import type { Box } from '../../harness/scenario.ts'

/** Links of the process that resolves them; the second is for init in a new pid namespace. */
const spellings: Readonly<Record<string, (n: number) => string>> = {
  'thread-self/fd/N': (n) => `/proc/thread-self/fd/${n}`,
  '1/task/1/fd/N': (n) => `/proc/1/task/1/fd/${n}`,
}
const walls = ['inherited', 'close-range', 'magic-links', 'cwd-inside']

const plain = once((box) => fresh(box))
for (const [name, spell] of Object.entries(spellings)) {
  attack(
    `run with cwd /proc/${name}, the caller having directories of the host open`,
    { walls: [...walls, 'made-cwd'], stopped: refused },
    search(
      inherited,
      (box, n) =>
        withInherited(box, (fds) => {
          configure(plain.get(), { process: { ...(looking.process as Patch), cwd: spell(n) } })
          return outcome(box.call(['run', '--bundle', plain.get().dir, box.id()], { fds }), reached)
        }),
      plain.prepare,
    ),
  )
}

const sleeping = { process: { args: ['sleep', '1000'] } }
let container = ''
attack(
  'exec with --cwd /proc/thread-self/fd/N, or a link of the image to it, the caller having directories of the host open',
  { walls: [...walls, 'late-fork'], stopped: refused },
  search(
    inherited,
    (box, n) =>
      withInherited(box, (fds) =>
        firstOf([`/proc/thread-self/fd/${n}`, `/w${n}`], (cwd) =>
          outcome(box.call(['exec', '--cwd', cwd, container, '/bin/attacker', 'open', ...treasures], { fds }), reached),
        ),
      ),
    (box) => {
      plain.prepare(box)
      for (const n of inherited) link(plain.get(), `w${n}`, `/proc/thread-self/fd/${n}`)
      configure(plain.get(), sleeping)
      container = running(box, plain.get()).id
    },
  ),
)

attack(
  'a program that is below /proc/thread-self/fd/N or /proc/1/task/1/fd/N',
  { walls: ['inherited', 'close-range', 'magic-links'], stopped: /^refused: .*process\.args\[0\] \(.*\): / },
  (box) => {
    const { dir } = victim(box)
    copyFileSync(compiled('attacker'), join(dir, 'stolen'))
    const fds = Array.from({ length: 50 }, () => openSync(dir, 'r'))
    const bundle = fresh(box)
    try {
      return firstOf(Object.values(spellings), (spell) => {
        configure(bundle, { process: { args: [`${spell(40)}/stolen`, 'open'] } })
        return outcome(box.call(['run', '--bundle', bundle.dir, box.id()], { fds }), () => true)
      })
    } finally {
      for (const fd of fds) closeSync(fd)
    }
  },
)

attack(
  'a mount source below /proc/thread-self/fd/N: the procfs of the container before its paths are read-only',
  { walls: ['magic-links'], stopped: /^refused: .*mounts\[7\](\.options\[\d\])? \(.*\): .*(ELOOP|ENOENT|ENOTDIR)/ },
  (box) => {
    const bundle = fresh(box)
    return firstOf(
      Array.from({ length: 40 }, (_, n) => n + 3),
      (n) => {
        const source = `/proc/thread-self/fd/${n}/sys`
        const mount = { destination: '/mnt', type: 'bind', source, options: ['bind'] }
        const process = { args: ['/bin/attacker', 'open', '/mnt/kernel/core_pattern'] }
        configure(bundle, { root: { readonly: false }, mounts: mountsWith(mount), process })
        return outcome(box.call(['run', '--bundle', bundle.dir, box.id()]), (text) => / ok ok$/m.test(text))
      },
    )
  },
)

/** The range at which init maps its image, as START-END in map_files; init has fixed addresses. */
function imageRanges(box: Box): readonly string[] {
  const { pid } = created(box, fresh(box, sleeping))
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  const ranges = lines
    .filter((line) => line.includes('memfd:runt-init'))
    .map((line) => (line.split(' ')[0] ?? '').replace(/\b0+/g, ''))
  if (ranges.length === 0) throw new Error(`init has no image: ${lines.join('\n')}`)
  return ranges
}

const privileged = ['CAP_SYS_ADMIN', 'CAP_CHECKPOINT_RESTORE']
const caps = { bounding: privileged, effective: privileged, permitted: privileged }

attack(
  'a program that is init’s own image, by map_files',
  { walls: ['magic-links', 'init-image'], stopped: /^refused: .*process\.args\[0\] \(.*\): /, byOne: /^refused: / },
  (box) => {
    const bundle = fresh(box)
    return firstOf(imageRanges(box), (range) => {
      configure(bundle, { process: { args: [`/proc/self/map_files/${range}`], capabilities: caps } })
      const { stderr } = box.call(['run', '--bundle', bundle.dir, box.id()])
      return stderr === '' ? 'succeeded' : { stopped: [`refused: ${stderr}`] }
    })
  },
)

attack(
  'a script whose interpreter is init’s own image, by map_files',
  { walls: ['init-image'], stopped: /^refused: .*process\.args\[0\].*(permission denied|no such file)/i },
  (box) => {
    const bundle = fresh(box, { process: { args: ['sleep', '1000'], capabilities: caps } })
    const { id } = running(box, bundle)
    return firstOf(imageRanges(box), (range) => {
      writeFileSync(join(bundle.rootfs, 'etc/script'), `#!/proc/self/map_files/${range}\n`, { mode: 0o755 })
      const { stderr } = box.call(['exec', id, '/etc/script'])
      return stderr === '' ? 'succeeded' : { stopped: [`refused: ${stderr}`] }
    })
  },
)
