/*
 * What a container must not share with the host or its caller: keys, mounts, the environment of hooks, the terminal, capabilities,
 * the cgroup tree.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, fresh, outcome } from '../../harness/attack.ts'
import { defaultConfig, mountsWith } from '../../harness/bundle.ts'
import { onTerminal } from '../../harness/console.ts'
import { probing } from '../../harness/probe.ts'
import { compiled } from '../../harness/project.ts'
import { needsCommand } from '../../harness/requires.ts'
import { runProgram, until } from '../../harness/scenario.ts'

const tiocsti = '/proc/sys/dev/tty/legacy_tiocsti'
const hasTiocsti = !existsSync(tiocsti) || readFileSync(tiocsti, 'utf8').trim() === '1'

attack(
  'a container reads the caller’s keys',
  { walls: ['keyring'], stopped: /^ran: alive\nkey (ENOKEY|ENOSYS|EACCES) / },
  (box) => {
    const bundle = fresh(box, { process: { args: ['/bin/attacker', 'read-key'] } })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], {
      wrap: [compiled('attacker'), 'keep-key', 'secret of the caller'],
    })
    return outcome(result, (output) => output.includes('secret of the caller'))
  },
)

attack(
  'a mount of the container appears on the host',
  { walls: ['propagation'], stopped: /^ran: /, skip: needsCommand('mount') },
  async (box) => {
    const caps = ['CAP_SYS_ADMIN']
    const script = 'mount -t tmpfs escaped /vol/point && echo alive; read line </hold'
    // A shared volume, as on every host with systemd.
    const volume = join(box.dir, `volume-${box.id()}`)
    mkdirSync(join(volume, 'point'), { recursive: true })
    const mount = (...args: string[]) => runProgram(box.dir, ['mount', ...args]).status
    if (mount('--bind', volume, volume) !== 0) throw new Error('no mount')
    box.defer(() => runProgram(box.dir, ['umount', '-R', '-l', volume]))
    if (mount('--make-shared', volume) !== 0) throw new Error('no shared mount')
    const capabilities = { bounding: caps, effective: caps, permitted: caps }
    const bundle = fresh(box, {
      root: { readonly: false },
      process: { args: ['sh', '-c', script], capabilities },
      mounts: mountsWith({ destination: '/vol', type: 'bind', source: volume, options: ['rbind'] }),
    })
    runProgram(box.dir, ['mkfifo', join(bundle.rootfs, 'hold')])
    const run = box.begin(['run', '--bundle', bundle.dir, box.id()])
    let hasEnded = false
    run.exited.then(() => {
      hasEnded = true
    })
    await until(() => hasEnded || run.output().stdout.includes('alive'), 'the mount')
    const seen = readFileSync('/proc/self/mountinfo', 'utf8').includes(' escaped ')
    if (!hasEnded) writeFileSync(join(bundle.rootfs, 'hold'), '\n')
    return outcome(await run.exited, () => seen)
  },
)

attack(
  'CVE-2025-23266: a createContainer hook gets the environment of the image',
  { walls: ['hook-environment'], stopped: /^ran: alive\n(\w+=.*\n)*$/ },
  (box) => {
    const output = join(box.dir, `hook-${box.id()}`)
    const bundle = fresh(box, {
      process: { args: ['true'], env: ['PATH=/bin', 'LD_PRELOAD_OF_THE_IMAGE=/evil.so'] },
      hooks: { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo alive; env'] }] },
      annotations: { 'run.oci.hooks.stdout': output },
    })
    const { stderr } = box.call(['run', '--bundle', bundle.dir, box.id()])
    const stdout = existsSync(output) ? readFileSync(output, 'utf8') : ''
    return outcome({ status: 0, stdout, stderr, later: () => ({ stdout, stderr }) }, () => stdout.includes('IMAGE'))
  },
)

attack(
  'a container pushes characters into the caller’s terminal',
  // Since 6.2 kernels may be built or configured without it.
  { walls: hasTiocsti ? ['session'] : [], stopped: /^ran: [\s\S]*== try:tiocsti\s+(EPERM|EIO)/ },
  (box) => {
    const bundle = fresh(box, probing(['say:alive', 'try:tiocsti']))
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
    return outcome(result, (output) => /== try:tiocsti\s+x?ok/.test(output))
  },
)

attack(
  'CVE-2022-29162: capabilities are inheritable',
  { walls: ['inheritable'], stopped: /^ran: [\s\S]*\nCapInh:\t0+\n[\s\S]*\nCapAmb:\t0+\n/ },
  (box) => {
    const bundle = fresh(box, probing(['say:alive', 'file:/proc/self/status']))
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => !/^CapInh:\t0+$/m.test(output))
  },
)

attack(
  'the cgroup tree is written from inside',
  { walls: [], stopped: /^ran: alive\n(\S+ (ok|ENOENT|EACCES|EINVAL) (EROFS|EACCES|EPERM|ENOENT)\n)+$/ },
  (box) => {
    // The mount is read-only by its options.
    const files = ['memory/release_agent', 'memory/memory.limit_in_bytes', 'devices/devices.allow', 'cgroup.procs']
    const args = ['/bin/attacker', 'open', ...files.map((file) => `/sys/fs/cgroup/${file}`)]
    const bundle = fresh(box, { process: { args }, mounts: defaultConfig.mounts })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => / ok$/m.test(output))
  },
)
