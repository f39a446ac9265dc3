/*
 * Links in the image at paths that the runtime creates or mounts on (CVE-2019-18837, CVE-2019-19921, CVE-2026-41579, CVE-2026-88264):
 * wherever they lead, nothing outside of the root file system is written or created.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { attack, configure, firstOf, fresh, link, outcome, victim } from '../../harness/attack.ts'
import { mountsWith, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { onTerminal } from '../../harness/console.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const alive = { process: { args: ['/bin/attacker', 'open'] } }
const withoutDev = mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')

for (const name of ['proc', 'sys'] as const) {
  attack(
    `CVE-2019-19921: /${name} is a link of the image`,
    { walls: ['symlinks'], stopped: /^refused: .*mounts\[\d\] \(.* at \/(proc|sys)\): .*ELOOP/ },
    (box) => {
      const { dir, relative } = victim(box)
      return firstOf([dir, relative, '/var', '/etc'], (target) => {
        const bundle = fresh(box, alive)
        link(bundle, name, target)
        return outcome(box.call(['run', '--bundle', bundle.dir, box.id()]), () => true)
      })
    },
  )
}

attack(
  'CVE-2026-41579: /dev is a link of the image',
  {
    walls: ['symlinks', 'in-root'],
    stopped: /^refused: .*default devices: .*ELOOP/,
    peers: { runc: '1.1 makes links in the victim', crun: '1.8 makes nodes in the victim' },
  },
  (box) => {
    const { dir, relative, untouched } = victim(box)
    return firstOf([dir, relative], (target) => {
      const bundle = fresh(box, { ...alive, mounts: withoutDev })
      link(bundle, 'dev', target)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      return untouched() ? outcome(result, () => false) : 'succeeded'
    })
  },
)

/** Links of the image that lead to the victim. */
function ways(dir: string): readonly (readonly [string, string])[][] {
  const chain = Array.from({ length: 38 }, (_, n) => [`l${n}`, `/l${n + 1}`] as const)
  return [
    [['mnt', dir]],
    [['mnt', `../../../../../../../../../../../..${dir}`]],
    [['mnt', `${dir}/../${dir.slice(dir.lastIndexOf('/') + 1)}`]],
    [...chain, ['l38', dir], ['mnt', '/l0']],
    [['mnt', '/mnt']],
    [['mnt', '/not/there/yet']],
  ]
}

const onMnt: Patch = {
  ...alive,
  root: { readonly: false },
  mounts: mountsWith({ destination: '/mnt/point', type: 'tmpfs', source: 'tmpfs', options: ['mode=0755'] }),
}

const startWith = (box: Box, patch: Patch, links: readonly (readonly [string, string])[], wrap?: readonly string[]) => {
  const bundle = fresh(box, patch)
  for (const [name, target] of links) link(bundle, name, target)
  return box.call(['run', '--bundle', bundle.dir, box.id()], wrap === undefined ? {} : { wrap })
}

attack(
  'CVE-2019-18837: a mount destination below links of the image',
  { walls: ['in-root'], stopped: /^ran: |^refused: .*mounts\[7\] \(tmpfs at \/mnt\/point\): .*ELOOP/ },
  (box) => {
    const { dir, untouched } = victim(box)
    return firstOf(ways(dir), (links) => {
      const result = startWith(box, onMnt, links)
      return untouched() ? outcome(result, () => false) : 'succeeded'
    })
  },
)

attack(
  'a mount destination below a magic link to the host’s root',
  { walls: ['in-root', 'magic-links'], stopped: /^refused: .*mounts\[7\] \(tmpfs at \/mnt\/point\): .*(ELOOP|EXDEV)/ },
  (box) => {
    const { dir, untouched } = victim(box)
    return firstOf(['root', 'cwd/../../../../../../..'], (name) => {
      const result = startWith(box, onMnt, [['mnt', `/proc/self/${name}${dir}`]])
      return untouched() ? outcome(result, () => false) : 'succeeded'
    })
  },
)

attack('a bind of a file onto a link of the image', { walls: ['new-file'], stopped: /^ran: / }, (box) => {
  const { dir, relative, untouched } = victim(box)
  const mount = { destination: '/etc/resolv.conf', type: 'bind', source: '/etc/passwd', options: ['bind', 'ro'] }
  const patch = { ...alive, root: { readonly: false }, mounts: mountsWith(mount) }
  return firstOf([join(dir, 'new'), join(dir, 'precious'), `../${relative}/new`], (target) => {
    const result = startWith(box, patch, [['etc/resolv.conf', target]])
    return untouched() ? outcome(result, () => false) : 'succeeded'
  })
})

attack(
  'CVE-2026-88264: /dev/console is a link of the image',
  { walls: ['new-file'], stopped: /^ran: /, peers: { crun: 'makes the file' } },
  (box) => {
    const { dir, relative, untouched } = victim(box)
    const patch = { root: { readonly: false }, mounts: withoutDev, process: { ...alive.process, terminal: true } }
    return firstOf([join(dir, 'new'), join(dir, 'precious'), `../${relative}/new`], (target) => {
      const result = startWith(box, patch, [['dev/console', target]], onTerminal(24, 80))
      return untouched() ? outcome(result, () => false) : 'succeeded'
    })
  },
)

attack(
  'a device node below a link of the image',
  { walls: ['in-root'], stopped: /^ran: /, peers: { runc: '1.1 makes nodes in the victim' } },
  (box) => {
    const { dir, relative, untouched } = victim(box)
    const device = { path: '/dev/sub/node', type: 'c', major: 1, minor: 3, fileMode: 0o666 }
    const patch = { ...alive, root: { readonly: false }, mounts: withoutDev, linux: { devices: [device] } }
    return firstOf([dir, `../${relative}`], (target) => {
      const result = startWith(box, patch, [['dev/sub', target]])
      return untouched() ? outcome(result, () => false) : 'succeeded'
    })
  },
)

attack(
  'a read-only path is a link of the image to what has masked paths in it',
  { walls: ['masks-first'], stopped: /^ran: / },
  (box) => {
    const linux = { maskedPaths: ['/proc/keys', '/proc/sys/kernel'], readonlyPaths: ['/readonly'] }
    const patch = { process: { args: ['/bin/attacker', 'open', '/proc/sys/kernel/core_pattern'] }, linux }
    return firstOf(['/proc', '/proc/sys', '/bin/../proc'], (target) => {
      const result = startWith(box, patch, [['readonly', target]])
      return outcome(result, (output) => output.includes('core_pattern ok'))
    })
  },
)

attack(
  'masked and read-only paths below links of the image',
  { walls: [], stopped: /^ran: |^refused: .*linux\.(masked|readonly)Paths \(/ },
  (box) => {
    // Covers are mounts in the container's mount namespace; they do not change the victim.
    const { dir, untouched } = victim(box)
    const linux = { maskedPaths: ['/masked/precious', '/masked'], readonlyPaths: ['/readonly'] }
    const result = startWith(box, { ...alive, root: { readonly: false }, linux }, [
      ['masked', dir],
      ['readonly', dir],
    ])
    return untouched() ? outcome(result, () => false) : 'succeeded'
  },
)

/* Init clones a bind source below an earlier mount: a link in a volume must not make it clone procfs without its masks. */
scenario(
  'a link in a volume does not expose masked paths to a later mount',
  { skip: isRunt ? false : 'follows it on the host' },
  (t, box) => {
    const volume = join(box.dir, 'volume')
    mkdirSync(volume)
    symlinkSync('/proc', join(volume, 'out'))
    symlinkSync('/sys/firmware', join(volume, 'sys'))
    mkdirSync(join(volume, 'real'))
    symlinkSync('real', join(volume, 'in'))
    const ids = [{ containerID: 0, hostID: 0, size: 65536 }]
    const namespaces = ['pid', 'ipc', 'uts', 'mount', 'user', 'network'].map((type) => ({ type }))
    const bundle = fresh(box)
    const run = (name: string) => {
      const bind = (source: string, destination: string) => ({ source, destination, type: 'bind', options: ['rbind'] })
      configure(bundle, {
        process: { args: ['ls', '/clone'] },
        root: { path: 'rootfs', readonly: false },
        mounts: mountsWith(bind(volume, '/vol'), bind(join(bundle.rootfs, 'vol', name), '/clone')),
        linux: { namespaces, uidMappings: ids, gidMappings: ids, resources: undefined },
      })
      return box.call(['run', '--bundle', bundle.dir, box.id()])
    }
    for (const name of ['out', 'sys', 'in']) t.match(run(name), { status: 1, stderr: /ELOOP/ }, name)
    t.equal(run('real').status, 0, 'a directory of the volume')
  },
)
