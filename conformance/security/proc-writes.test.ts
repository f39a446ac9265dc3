/*
 * Where the runtime writes below /proc in a container's name (CVE-2019-16884, CVE-2025-52881): what lies there may be the attacker's,
 * or lead to a file of the host.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, fresh, link, outcome, victim } from '../harness/attack.ts'
import { mountsWith, mountsWithout } from '../harness/bundle.ts'

const alive = ['/bin/attacker', 'open']

attack(
  'CVE-2019-16884: a volume on /proc gets what is meant for the process',
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
  'CVE-2025-52881: a file of the host lies over a sysctl',
  {
    walls: ['no-xdev', 'fs-type'],
    stopped: /^refused: .*linux\.sysctl\.kernel\.msgmax: .*EXDEV/,
    byOne: /^refused: .*linux\.sysctl\.kernel\.msgmax: /,
  },
  (box) => {
    // By a link of the image, for a destination below /proc is refused by name.
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
