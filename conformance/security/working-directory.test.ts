/*
 * A working directory that leads out of the container (../shared/faults.md S1, CVE-2024-21626): /proc/self/fd/N, by the config or by
 * a link of the image, where N is whatever init or the runtime has open: a directory below a read-only or masked path as it was
 * before it was covered, or one that the runtime's caller left open.
 */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import {
  ALIVE,
  attack,
  configure,
  firstOf,
  fresh,
  link,
  type Outcome,
  outcome,
  running,
  victim,
} from '../harness/attack.ts'
import type { Bundle, Patch } from '../harness/bundle.ts'
import type { Box, Result } from '../harness/scenario.ts'

/** RUNT_ATTACK_ALL=1 tries every number that can be (nightly). Else: those that plans use, and some beyond. */
const all = process.env.RUNT_ATTACK_ALL !== undefined
const count = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)
const numbers = all ? count(3, 1025, 1) : [...count(3, 75, 1), ...count(75, 200, 10), 400, 600, 1000]
const coarse = all ? numbers : count(3, 75, 6)

/** Writable for root below the covered /proc/sys, /proc/irq, /proc/bus and in the caller's directories. */
const treasures = [
  
  'kernel/core_pattern',
  'default_smp_affinity',
  'sysrq-trigger',
  'sys/kernel/core_pattern',
  'precious',
]
const looking: Patch = { process: { args: ['/bin/attacker', 'open', ...treasures] } }

const reached = (output: string): boolean => / ok ok$/m.test(output)
const refused = /^refused: .*process\.cwd \(.*\): /

/** The numbers that have reached something, and their neighbours: tried first by all searches. */
const known: number[] = []

/** With only some walls off the number is tried that reached something without any. */
function search(
  candidates: readonly number[],
  run: (box: Box, n: number) => Outcome,
  prepare: (box: Box) => void = () => {},
): (box: Box) => Outcome {
  let found: number | undefined
  return (box) => {
    prepare(box)
    return firstOf(found === undefined ? [...known, ...candidates] : [found], (n) => {
      const result = run(box, n)
      if (result !== 'succeeded') return result
      found = n
      if (known.length === 0) known.push(n, n + 1, n - 1, n + 2, n - 2)
      return result
    })
  }
}

const at = (cwd: string): Patch => ({ process: { ...(looking.process as Patch), cwd } })

/** One bundle for all numbers of a body's run. */
function once(make: (box: Box) => Bundle): { get: () => Bundle; prepare: (box: Box) => void } {
  let bundle: Bundle | undefined
  return {
    get: () => bundle as Bundle,
    prepare: (box) => {
      bundle = make(box)
    },
  }
}

const plain = once((box) => fresh(box))
attack(
  'S1: run with cwd /proc/self/fd/N',
  { walls: ['descriptors', 'magic-links'], stopped: refused },
  search(
    numbers,
    (box, n) => {
      configure(plain.get(), at(`/proc/self/fd/${n}`))
      return outcome(box.call(['run', '--bundle', plain.get().dir, box.id()]), reached)
    },
    plain.prepare,
  ),
)

const linked = once((box) => {
  const bundle = fresh(box)
  for (const n of numbers) link(bundle, `w${n}`, `/proc/self/fd/${n}`)
  return bundle
})
attack(
  'S1: run with a cwd that the image has made a link to /proc/self/fd/N',
  { walls: ['descriptors', 'magic-links'], stopped: refused },
  search(
    coarse,
    (box, n) => {
      configure(linked.get(), at(`/w${n}`))
      return outcome(box.call(['run', '--bundle', linked.get().dir, box.id()]), reached)
    },
    linked.prepare,
  ),
)

function createAndStart(box: Box, bundle: Bundle): Result {
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, id])
  if (result.status === 0) {
    box.call(['start', id])
    // Its last line is there when it has looked at everything.
    for (const end = Date.now() + 10_000; !/^precious /m.test(result.later().stdout) && Date.now() < end; ) box.state(id)
    box.call(['delete', '--force', id])
  }
  return { ...result, ...result.later() }
}

attack(
  'S1: create and start with cwd /proc/self/fd/N, or a name below it',
  { walls: ['descriptors', 'magic-links'], stopped: refused },
  search(
    coarse,
    (box, n) => {
      configure(plain.get(), at(`/proc/self/fd/${n}/${n % 2 ? '.' : ''}`))
      return outcome(createAndStart(box, plain.get()), reached)
    },
    plain.prepare,
  ),
)

/** As the caller has them, and as init has. */
const inherited = all ? numbers : [...count(3, 56, 8), 70, 90, 110]

/** Fifty directories of the host that the caller has left open. */
function withInherited<T>(box: Box, body: (fds: readonly number[]) => T): T {
  const { dir } = victim(box)
  const fds = Array.from({ length: 50 }, () => openSync(dir, 'r'))
  try {
    return body(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

attack(
  'CVE-2024-21626: run with cwd /proc/self/fd/N, the caller having directories of the host open',
  { walls: ['inherited', 'close-range', 'magic-links', 'cwd-inside'], stopped: refused },
  search(
    inherited,
    (box, n) =>
      withInherited(box, (fds) => {
        configure(plain.get(), at(`/proc/self/fd/${n}`))
        return outcome(box.call(['run', '--bundle', plain.get().dir, box.id()], { fds }), reached)
      }),
    plain.prepare,
  ),
)

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

attack(
  'a working directory below a link of the image to a directory of the host',
  { walls: [], stopped: /^ran: alive\nprecious ENOENT/ },
  (box) => {
    // The kernel's root keeps it inside: it is made in the container.
    const { dir, untouched } = victim(box)
    const bundle = fresh(box, {
      root: { readonly: false },
      process: { args: ['/bin/attacker', 'open', 'precious'], cwd: '/shift/below' },
    })
    link(bundle, 'shift', dir)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => output.replace(ALIVE, '').includes('ok') || !untouched())
  },
)

attack(
  'a working directory that is the root or the working directory of a process of the host',
  { walls: ['magic-links', 'cwd-inside'], stopped: refused },
  (box) => {
    // Through the host's /proc, bound into the container.
    const mounts = [{ destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }]
    const { dir } = victim(box)
    const { pid } = box.helper(['sleep', '1000'])
    const bundle = fresh(box)
    return firstOf(['root', 'cwd'], (name) => {
      const args = ['/bin/attacker', 'open', join(`.${dir}`, 'precious')]
      const process = { args, cwd: `/proc/${pid}/${name}` }
      configure(bundle, { mounts, process, linux: { maskedPaths: [], readonlyPaths: [] } })
      return outcome(box.call(['run', '--bundle', bundle.dir, box.id()]), reached)
    })
  },
)
