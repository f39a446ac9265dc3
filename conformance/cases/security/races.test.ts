/*
 * Races: a second party, who shares a volume or the root file system with the container, exchanges directories during the start
 * (renameat2(2), RENAME_EXCHANGE). A test needs a number of containers that started nevertheless: RUNT_RACES, by default 100.
 */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALIVE, attack, fresh, type Outcome, victim } from '../../harness/attack.ts'
import { type Bundle, mountsWith, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { onTerminal } from '../../harness/console.ts'
import { parseMount } from '../../harness/probe.ts'
import { compiled } from '../../harness/project.ts'
import type { Box, CallOptions } from '../../harness/scenario.ts'

const wanted = Number(process.env.RUNT_RACES ?? 100)
/** Some starts fail because of the races: the maximum for each one that succeeds. */
const patience = 10
const timeout = 300_000 + wanted * 5000

/** Starts containers while A and B are exchanged, until the attack succeeds once or enough containers have started. */
async function race(
  box: Box,
  bundle: Bundle,
  [a, b]: readonly [string, string],
  hasLost: (output: string) => boolean,
  options: CallOptions = {},
): Promise<Outcome> {
  const racer = box.helper([compiled('aid'), 'swap', '100000000', a, b])
  let won = 0
  let last = ''
  let outcome: Outcome | undefined
  for (let tries = 0; won < wanted && tries < patience * (won + 10); tries++) {
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], options)
    if (result.stdout.includes(ALIVE)) won++
    else last = result.stderr
    if (!hasLost(result.stdout)) continue
    outcome = 'succeeded'
    break
  }
  racer.kill('SIGKILL')
  await racer.exited
  if (outcome !== undefined) return outcome
  return { stopped: [won < wanted ? `refused: only ${won} started: ${last}` : `ran: ${won} times`] }
}

const options = { stopped: /^ran: \d+ times$/, timeout } as const

attack(
  'CVE-2021-30465, CVE-2024-45310: a directory on the way to the mount points',
  { ...options, walls: ['in-root'], peers: { runc: '1.1 loses the race' } },
  (box) => {
    const { dir, untouched } = victim(box)
    const volume = join(box.dir, `volume-${box.id()}`)
    mkdirSync(join(volume, 'x'), { recursive: true })
    symlinkSync(dir, join(volume, 'y'))
    const points = Array.from({ length: 12 }, (_, n) => ({ destination: `/v/x/a${n}`, type: 'tmpfs', source: 'tmpfs' }))
    const bundle = fresh(box, {
      process: { args: ['/bin/attacker', 'open'] },
      root: { readonly: false },
      mounts: mountsWith({ destination: '/v', type: 'bind', source: volume, options: ['rbind'] }, ...points),
    })
    return race(box, bundle, [join(volume, 'x'), join(volume, 'y')], () => !untouched())
  },
)

const treasure = 'sys/kernel/core_pattern'

/**
 * The root file system's directory is exchanged with another one: the container must run in the one that the runtime
 * has mounted.
 */
function maskRace(box: Box, name: string, files: readonly string[], sign: string, patch: Patch = {}): Promise<Outcome> {
  const other = `${name}2`
  const args = ['/bin/attacker', 'open', ...files.flatMap((file) => [`/${name}/${file}`, `/${other}/${file}`])]
  const bundle = fresh(box, { ...patch, process: { args } })
  // Both contain the paths to cover, or there would be nothing to cover.
  mkdirSync(join(bundle.rootfs, name), { recursive: true })
  for (const directory of ['sys/kernel', 'irq', 'bus', 'fs', 'kernel', 'net', 'secret'])
    mkdirSync(join(bundle.rootfs, other, directory), { recursive: true })
  writeFileSync(join(bundle.rootfs, other, 'sysrq-trigger'), '')
  writeFileSync(join(bundle.rootfs, other, 'keys'), '')
  const places = [join(bundle.rootfs, name), join(bundle.rootfs, other)] as const
  return race(box, bundle, places, (output) => output.includes(sign))
}

attack('S6: the directory that procfs is mounted on', { ...options, walls: ['own-mounts'] }, (box) =>
  maskRace(box, 'proc', [treasure], `${treasure} ok ok`),
)

attack(
  'S6: the directory that the host’s sysfs is bound on, as in user namespaces',
  { ...options, walls: ['own-mounts'] },
  (box) =>
    maskRace(box, 'sys', ['kernel/fscaps'], '/kernel/fscaps ok ', {
      mounts: [
        ...mountsWithout('/sys', '/sys/fs/cgroup'),
        { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
      ],
      linux: { maskedPaths: ['/sys/kernel'] },
    }),
)

attack('S6: the same, where the path is spelled in an unusual way', { ...options, walls: ['own-mounts'] }, (box) =>
  maskRace(box, 'proc', [treasure], `${treasure} ok ok`, { linux: { readonlyPaths: ['//proc/./sys/'] } }),
)

attack('S6: the same, of a path behind a link of procfs', { ...options, walls: ['own-mounts'] }, (box) =>
  maskRace(box, 'proc', ['net/dev'], '/net/dev ok', { linux: { maskedPaths: ['/proc/net'] } }),
)

attack('S6: the mount point of a volume', { ...options, walls: ['own-mounts'] }, (box) => {
  const volume = join(box.dir, `volume-${box.id()}`)
  mkdirSync(join(volume, 'secret'), { recursive: true })
  writeFileSync(join(volume, 'secret/file'), '')
  const mount = { destination: '/data', type: 'bind', source: volume, options: ['rbind', 'ro'] }
  return maskRace(box, 'data', ['secret/file'], '/secret/file ok', {
    mounts: mountsWith(mount),
    linux: { maskedPaths: ['/data/secret'] },
  })
})

attack(
  'CVE-2025-52565: the node of the terminal while /dev/console is made of it',
  // The peer comes from the master (TIOCGPTPEER): there is no path lookup that could be attacked.
  { ...options, walls: [] },
  (box) => {
    const { dir, untouched } = victim(box)
    const volume = join(box.dir, `volume-${box.id()}`)
    mkdirSync(volume)
    writeFileSync(join(volume, '0'), '')
    symlinkSync(join(dir, 'precious'), join(volume, 'link'))
    const topics = ['say:alive', 'stat:/dev/console', 'file:/proc/self/mountinfo']
    const bundle = fresh(box, {
      process: { args: ['/bin/probe', ...topics], terminal: true },
      mounts: mountsWith({ destination: '/dev/pts', type: 'bind', source: volume, options: ['rbind'] }),
    })
    const isConsole = (output: string): boolean =>
      /^char 06[02]0 /m.test(output) &&
      output
        .split('\n')
        .filter((line) => line.includes(' - '))
        .map(parseMount)
        .some(({ target, type }) => target === '/dev/console' && type === 'devpts')
    const hasLost = (output: string): boolean => !untouched() || (output.includes(ALIVE) && !isConsole(output))
    return race(box, bundle, [join(volume, '0'), join(volume, 'link')], hasLost, { wrap: onTerminal(24, 80) })
  },
)

attack(
  'CVE-2023-27561, CVE-2025-52881: /proc while the runtime writes sysctls below it',
  // The write goes to the descriptor of the runtime's own procfs, wherever that is mounted.
  { ...options, walls: [] },
  (box) => {
    const { dir } = victim(box)
    const bundle = fresh(box, {
      process: { args: ['/bin/attacker', 'open', '/proc/sys/kernel/msgmax'] },
      linux: { sysctl: { 'kernel.msgmax': '7777' } },
    })
    mkdirSync(join(dir, 'sys/kernel'), { recursive: true })
    symlinkSync(dir, join(bundle.rootfs, 'proc2'))
    const places = [join(bundle.rootfs, 'proc'), join(bundle.rootfs, 'proc2')] as const
    return race(box, bundle, places, () => readdirSync(join(dir, 'sys/kernel')).length > 0)
  },
)
