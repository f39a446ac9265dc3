/*
 * Names from an image or a config that lead through /proc/self/fd/N (../shared/faults.md S1): the program, PATH, the passwd
 * file, a hook, the source and the target of a mount, the root file system. N is a directory of the host that the caller has
 * left open, with an executable, a passwd file and a root file system in it; for mount sources it is a descriptor of init itself.
 */
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AttackBody,
  attack,
  configure,
  firstOf,
  fresh,
  link,
  moveRootfs,
  type Outcome,
  outcome,
  victim,
} from '../../harness/attack.ts'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { compiled } from '../../harness/project.ts'
import type { Box } from '../../harness/scenario.ts'

/** A number among the caller's fifty descriptors, in the runtime as in init. */
const N = 40

interface Host {
  readonly dir: string
  readonly fds: readonly number[]
  readonly untouched: () => boolean
}

/** A directory of the host, open fifty times. */
const withHost =
  (body: (box: Box, host: Host) => Outcome): AttackBody =>
  (box) => {
    const { dir, untouched } = victim(box)
    const fds = Array.from({ length: 50 }, () => openSync(dir, 'r'))
    try {
      return body(box, { dir, fds, untouched })
    } finally {
      for (const fd of fds) closeSync(fd)
    }
  }

const through = ['inherited', 'close-range', 'magic-links']

attack(
  'S1: a program, or a directory of PATH, that is /proc/self/fd/N or a link of the image to it',
  { walls: through, stopped: /^refused: .*process\.args\[0\] \(.*\): .*(no such file|not found in|too many levels)/ },
  withHost((box, { dir, fds }) => {
    copyFileSync(compiled('attacker'), join(dir, 'stolen'))
    const bundle = fresh(box)
    link(bundle, 'bin/entry', `/proc/self/fd/${N}/stolen`)
    link(bundle, 'path', `/proc/self/fd/${N}`)
    const processes: readonly Patch[] = [
      { args: [`/proc/self/fd/${N}/stolen`, 'open'] },
      { args: ['/bin/entry', 'open'] },
      { args: ['entry', 'open'] },
      { args: ['stolen', 'open'], env: [`PATH=/proc/self/fd/${N}`] },
      { args: ['stolen', 'open'], env: ['PATH=/path'] },
    ]
    return firstOf(processes, (process) => {
      configure(bundle, { process })
      return outcome(box.call(['run', '--bundle', bundle.dir, box.id()], { fds }), () => true)
    })
  }),
)

attack(
  'S1: a passwd file that the image has made a link to /proc/self/fd/N/passwd',
  { walls: through, stopped: /^ran: [\s\S]*\nHOME=\/$/m },
  withHost((box, { dir, fds }) => {
    writeFileSync(join(dir, 'passwd'), 'root:x:0:0::/stolen:/bin/sh\n')
    const bundle = fresh(box, { process: { args: ['/bin/probe', 'say:alive', 'env'] } })
    link(bundle, 'etc/passwd', `/proc/self/fd/${N}/passwd`)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { fds })
    return outcome(result, (output) => output.includes('/stolen'))
  }),
)

attack(
  'S1: a startContainer hook that the image has made a link to /proc/self/fd/N/program',
  { walls: through, stopped: /^refused: .*startContainer hook #0: \(\/hook\): (no such file|too many levels)/ },
  withHost((box, { dir, fds }) => {
    copyFileSync(compiled('attacker'), join(dir, 'stolen'))
    const output = join(box.dir, `hook-${box.id()}`)
    const bundle = fresh(box, {
      hooks: { startContainer: [{ path: '/hook', args: ['hook', 'open'] }] },
      annotations: { 'run.oci.hooks.stdout': output },
    })
    link(bundle, 'hook', `/proc/self/fd/${N}/stolen`)
    const { stderr } = box.call(['run', '--bundle', bundle.dir, box.id()], { fds })
    const ran = existsSync(output) && readFileSync(output, 'utf8').includes('alive')
    return ran ? 'succeeded' : { stopped: [`refused: ${stderr}`] }
  }),
)

attack(
  'S1: a mount target below a link of the image to /proc/self/fd/N',
  {
    walls: ['inherited', 'in-root', 'magic-links'],
    stopped: /^refused: .*mounts\[7\](\.options\[\d\])? \(.*\): .*(ELOOP|EXDEV|ENOENT)/,
  },
  withHost((box, { fds, untouched }) => {
    const mount = { destination: '/m/point', type: 'tmpfs', source: 'tmpfs' }
    const bundle = fresh(box, {
      root: { readonly: false },
      mounts: mountsWith(mount),
      process: { args: ['/bin/attacker', 'open'] },
    })
    link(bundle, 'm', `/proc/self/fd/${N}`)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { fds })
    return untouched() ? outcome(result, () => false) : 'succeeded'
  }),
)

const userNamespace = {
  namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
  uidMappings: [{ containerID: 0, hostID: 0, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 65536 }],
}
for (const [name, linux] of [
  ['', {}],
  [' cloned by the runtime for a user namespace', userNamespace],
] as const) {
  attack(
    `S1: a root file system${name} that is a link to /proc/self/fd/N`,
    // Without the protections the kernel refuses: mounts of the host's namespace can be neither cloned nor mounted on
    // in another one.
    { walls: [], stopped: /^refused: .*root\.path \(.*\): .*(ELOOP|ENOENT|too many levels)/ },
    withHost((box, { dir, fds }) => {
      const bundle = fresh(box, { process: { args: ['/bin/attacker', 'open'] }, linux })
      moveRootfs(bundle, join(dir, 'other'), `/proc/self/fd/${N}/other`)
      return outcome(box.call(['run', '--bundle', bundle.dir, box.id()], { fds }), () => true)
    }),
  )
}

/** The first N at which the weakened program's init has its procfs. */
let procfs: number | undefined

attack(
  'S1: a mount source that is below /proc/self/fd/N: the procfs of the container before its paths are read-only',
  { walls: ['magic-links'], stopped: /^refused: .*mounts\[7\](\.options\[\d\])? \(.*\): .*(ELOOP|ENOENT|ENOTDIR)/ },
  (box) => {
    const bundle = fresh(box)
    const numbers = procfs === undefined ? Array.from({ length: 40 }, (_, n) => n + 3) : [procfs]
    return firstOf(numbers, (n) => {
      const mount = { destination: '/mnt', type: 'bind', source: `/proc/self/fd/${n}/sys`, options: ['bind'] }
      const process = { args: ['/bin/attacker', 'open', '/mnt/kernel/core_pattern'] }
      configure(bundle, { root: { readonly: false }, mounts: mountsWith(mount), process })
      const result = outcome(box.call(['run', '--bundle', bundle.dir, box.id()]), (text) => / ok ok$/m.test(text))
      if (result === 'succeeded') procfs = n
      return result
    })
  },
)
