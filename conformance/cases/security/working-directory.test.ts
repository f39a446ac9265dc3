/*
 * A working directory that leads out of the container (../shared/faults.md S1, CVE-2024-21626): /proc/self/fd/N, from the config or
 * through a link of the image, where N is a descriptor of init or of the runtime: a directory below a read-only or masked path before it
 * was covered, or one that the runtime's caller left open.
 */
import { join } from 'node:path'
import { ALIVE, attack, configure, firstOf, fresh, link, outcome, victim } from '../../harness/attack.ts'
import type { Bundle, Patch } from '../../harness/bundle.ts'
import {
  coarse,
  inherited,
  linkAll,
  looking,
  numbers,
  once,
  reached,
  refused,
  search,
  withInherited,
} from '../../harness/descriptor-search.ts'
import type { Box, Result } from '../../harness/scenario.ts'

const at = (cwd: string): Patch => ({ process: { ...(looking.process as Patch), cwd } })

const plain = once((box) => fresh(box))
attack(
  'S1: run with cwd /proc/self/fd/N',
  { walls: ['descriptors', 'magic-links', 'made-cwd'], stopped: refused },
  search(
    numbers,
    (box, n) => {
      configure(plain.get(), at(`/proc/self/fd/${n}`))
      return outcome(box.call(['run', '--bundle', plain.get().dir, box.id()]), reached)
    },
    plain.prepare,
  ),
)

const linked = once((box) => linkAll(fresh(box)))
attack(
  'S1: run with a cwd that the image has made a link to /proc/self/fd/N',
  { walls: ['descriptors', 'magic-links', 'made-cwd'], stopped: refused },
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
    // The last line is printed when it has checked everything.
    for (const end = Date.now() + 10_000; !/^precious /m.test(result.later().stdout) && Date.now() < end; )
      box.state(id)
    box.call(['delete', '--force', id])
  }
  return { ...result, ...result.later() }
}

attack(
  'S1: create and start with cwd /proc/self/fd/N, or a name below it',
  { walls: ['descriptors', 'magic-links', 'made-cwd'], stopped: refused },
  search(
    coarse,
    (box, n) => {
      configure(plain.get(), at(`/proc/self/fd/${n}/${n % 2 ? '.' : ''}`))
      return outcome(createAndStart(box, plain.get()), reached)
    },
    plain.prepare,
  ),
)

attack(
  'CVE-2024-21626: run with cwd /proc/self/fd/N, the caller having directories of the host open',
  { walls: ['inherited', 'close-range', 'magic-links', 'cwd-inside', 'made-cwd'], stopped: refused },
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

attack(
  'a working directory below a link of the image to a directory of the host',
  { walls: [], stopped: /^ran: alive\nprecious ENOENT/ },
  (box) => {
    // The lookup stays inside the root: the directory is created in the container.
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
  { walls: ['magic-links', 'cwd-inside', 'made-cwd'], stopped: refused },
  (box) => {
    // Through the host's /proc, bind-mounted into the container.
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
