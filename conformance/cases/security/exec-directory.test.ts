/* A working directory of exec that leads out of the container through a descriptor: see working-directory.test.ts. */
import { closeSync, openSync } from 'node:fs'
import { attack, configure, fresh, outcome, running, victim } from '../../harness/attack.ts'
import {
  inherited,
  linkAll,
  once,
  reached,
  refused,
  search,
  treasures,
  withInherited,
} from '../../harness/descriptor-search.ts'
import type { Box } from '../../harness/scenario.ts'

const linked = once((box) => linkAll(fresh(box)))
const sleeping = { process: { args: ['sleep', '1000'] } }
let container = ''
const execIn = (cwd: (n: number) => string, fds: readonly number[]) => (box: Box, n: number) =>
  outcome(box.call(['exec', '--cwd', cwd(n), container, '/bin/attacker', 'open', ...treasures], { fds }), reached)

for (const [name, cwd] of [
  ['/proc/self/fd/N', (n: number) => `/proc/self/fd/${n}`],
  ['a link of the image to it', (n: number) => `/w${n}`],
] as const) {
  attack(
    `CVE-2024-21626: exec with --cwd ${name}, the caller having directories of the host open`,
    { walls: ['inherited', 'close-range', 'late-fork', 'magic-links', 'cwd-inside'], stopped: refused },
    search(
      inherited,
      (box, n) => withInherited(box, (fds) => execIn(cwd, fds)(box, n)),
      (box) => {
        linked.prepare(box)
        configure(linked.get(), sleeping)
        container = running(box, linked.get()).id
      },
    ),
  )
}

attack(
  'CVE-2024-21626: exec with --cwd of a descriptor that is handed over',
  { walls: ['late-fork', 'magic-links', 'cwd-inside'], stopped: refused },
  (box) => {
    const { dir } = victim(box)
    const fd = openSync(dir, 'r')
    try {
      const { id } = running(box, fresh(box, sleeping))
      const args = ['exec', '--preserve-fds', '1', '--cwd', '/proc/self/fd/3', id, '/bin/attacker', 'open', 'precious']
      return outcome(box.call(args, { fds: [fd] }), reached)
    } finally {
      closeSync(fd)
    }
  },
)
