/*
 * Writes of the runtime below /proc for a container (CVE-2019-16884, CVE-2025-52881): an attacker may have replaced the files, or
 * they may lead to a file of the host.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, firstOf, fresh, link, outcome, victim } from '../../harness/attack.ts'
import { defaultConfig, type Json, mountsWith, mountsWithout } from '../../harness/bundle.ts'

const alive = ['/bin/attacker', 'open']

attack(
  'CVE-2019-16884: a volume on /proc receives the writes for the process',
  {
    walls: ['proc-covered', 'own-procfs', 'fs-type'],
    stopped: /^refused: .*mounts\[6\]\.destination: "\/proc" cannot be mounted on/,
    byOne: /^ran: |^refused: .*(mounts\[6\]\.destination|process\.oomScoreAdj)/,
    peers: { crun: 'mounts it' },
  },
  (box) => {
    const { dir } = victim(box)
    const fake = join(dir, 'self/oom_score_adj')
    mkdirSync(join(dir, 'self'))
    writeFileSync(fake, 'mine')
    const mounts = [...mountsWithout('/proc'), { destination: '/proc', type: 'bind', source: dir, options: ['rbind'] }]
    const process = { args: alive, oomScoreAdj: 77 }
    const bundle = fresh(box, { mounts, process, linux: { maskedPaths: [], readonlyPaths: [] } })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, () => readFileSync(fake, 'utf8') !== 'mine')
  },
)

attack(
  'CVE-2019-16884: a mount destination is a link of the image to /proc',
  { walls: ['proc-covered'], stopped: /^refused: .*mounts\[7\] .*: openat2: ELOOP .*: a link leads into procfs/ },
  (box) => {
    const { dir } = victim(box)
    const process = { args: ['/bin/probe', 'say:alive', 'file:/proc/precious'] }
    const destinations = ['/x', '/x/version', '/x/self/status']
    return firstOf(
      ['tmpfs', 'bind'].flatMap((type) => destinations.map((to) => [type, to] as const)),
      ([type, to]) => {
        const source = to === '/x' ? dir : join(dir, 'precious')
        const mounts = mountsWith({
          destination: to,
          type,
          source: type === 'tmpfs' ? type : source,
          options: type === 'bind' ? ['bind'] : [],
        })
        const bundle = fresh(box, { mounts, process, linux: { maskedPaths: [], readonlyPaths: [] } })
        link(bundle, 'x', '/proc')
        const result = box.call(['run', '--bundle', bundle.dir, box.id()])
        return outcome(result, (output) => output.includes('precious\nprecious'))
      },
    )
  },
)

attack(
  'the destination of a remount is a link of the image to /proc',
  { walls: ['proc-covered'], stopped: /^refused: .*mounts\[7\] .*: openat2: ELOOP .*: a link leads into procfs/ },
  (box) => {
    const [proc, ...others] = defaultConfig.mounts
    const data = { destination: '/x', type: 'tmpfs', source: 'none', options: ['remount', 'bind', 'rw'] }
    const mounts = [{ ...proc, options: ['ro'] }, ...others, data] as readonly Json[]
    const process = { args: ['/bin/probe', 'say:alive', 'file:/proc/self/mounts'] }
    const bundle = fresh(box, { mounts, process, linux: { maskedPaths: [], readonlyPaths: [] } })
    link(bundle, 'x', '/proc')
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => output.includes('proc /proc proc rw,'))
  },
)

attack(
  'CVE-2025-52881: a file of the host lies over a sysctl',
  {
    walls: ['proc-covered', 'no-xdev', 'fs-type'],
    stopped: /^refused: .*mounts\[7\] .*: openat2: ELOOP .*: a link leads into procfs/,
    byOne: /^refused: .*(mounts\[7\] .*ELOOP|linux\.sysctl\.kernel\.msgmax: )/,
  },
  (box) => {
    // Through a link of the image, because a destination below /proc is refused by name.
    const { dir } = victim(box)
    const over = { destination: '/x/msgmax', type: 'bind', source: join(dir, 'precious'), options: ['bind'] }
    const bundle = fresh(box, {
      process: { args: alive },
      mounts: mountsWith(over),
      linux: { sysctl: { 'kernel.msgmax': '7777' } },
    })
    link(bundle, 'x', '/proc/sys/kernel')
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, () => readFileSync(join(dir, 'precious'), 'utf8').includes('7777'))
  },
)
