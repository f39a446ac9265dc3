/*
 * Known attacks on runtimes, as recipes for a plain machine (../shared/field.md 2.1): each sets up what the attacker
 * controls, an image or a volume, and asserts that nothing outside of it was read, written or created.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Bundle, mountsWith, mountsWithout, type Patch } from '../harness/bundle.ts'
import { onTerminal, openConsole } from '../harness/console.ts'
import { probing, readReport, runProbe } from '../harness/probe.ts'
import { compiled, runtime } from '../harness/project.ts'
import { type Box, scenario, until } from '../harness/scenario.ts'

const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** The victim: a directory of the host that no container has been given. */
function victim(box: Box): { readonly dir: string; readonly untouched: () => boolean } {
  const dir = join(box.dir, 'victim')
  mkdirSync(dir)
  writeFileSync(join(dir, 'precious'), 'precious')
  return {
    dir,
    untouched: () =>
      readdirSync(dir).join() === 'precious' && readFileSync(join(dir, 'precious'), 'utf8') === 'precious',
  }
}

/** Replaces a directory of the root file system by a link. */
function replaceByLink(bundle: Bundle, name: string, target: string): void {
  rmSync(join(bundle.rootfs, name), { recursive: true })
  symlinkSync(target, join(bundle.rootfs, name))
}

scenario('CVE-2019-5736: the runtime cannot be overwritten through /proc/self/exe', {}, async (t, box) => {
  const before = sum(runtime.path)
  // The entry point is the runtime itself, as the container sees it, with a library's place in the attacker's hands.
  const script = 'for p in /proc/[0-9]*; do (exec 3>>$p/exe; echo x >&3) 2>/dev/null && echo wrote $p; done; echo done'
  for (const args of [
    ['/proc/self/exe', '--version'],
    ['sh', '-c', script],
  ]) {
    const bundle = box.bundle({ process: { args } }, { name: `b${box.id()}` })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.notMatch(result.stdout, /wrote/)
  }
  const link = box.bundle({ process: { args: ['/bin/entry'] } }, { name: 'link' })
  symlinkSync('/proc/self/exe', join(link.rootfs, 'bin/entry'))
  box.call(['run', '--bundle', link.dir, box.id()])
  const interpreter = box.bundle({ process: { args: ['/etc/entry'] } }, { name: 'interpreter' })
  writeFileSync(join(interpreter.rootfs, 'etc/entry'), '#!/proc/self/exe\n', { mode: 0o755 })
  box.call(['run', '--bundle', interpreter.dir, box.id()])
  t.equal(sum(runtime.path), before, 'the executable is unchanged')
})

scenario(
  'CVE-2019-5736: what a created container’s init is made of cannot be opened for writing',
  {
    peers: { crun: '1.8 keeps its command line' },
  },
  (t, box) => {
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const pid = box.state(id)?.pid
    const link = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'latin1')
      } catch {
        return ''
      }
    }
    t.notMatch(link('cmdline'), box.dir, 'its command line tells nothing of the host’s paths')
    try {
      closeSync(openSync(`/proc/${pid}/exe`, 'r+'))
      t.fail('init’s executable can be opened for writing')
    } catch (error) {
      t.match(String(error), /ETXTBSY|EROFS|EPERM|EACCES/, 'not even by the host’s root')
    }
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario(
  'CVE-2024-21626: no working directory reaches the host through a leaked descriptor',
  {
    peers: { crun: '1.8 shows the host’s root' },
  },
  (t, box) => {
    const held = Array.from({ length: 20 }, () => openSync('/', 'r'))
    try {
      for (let fd = 3; fd < 30; fd++) {
        const bundle = box.bundle(
          { process: { args: ['ls', '-a', '.'], cwd: `/proc/self/fd/${fd}` } },
          { name: `b${fd}` },
        )
        const result = box.call(['run', '--bundle', bundle.dir, box.id()], { fds: held })
        t.notMatch(result.stdout, /\b(boot|home|usr)\b/, `descriptor ${fd}: ${result.status}`)
        rmSync(bundle.dir, { recursive: true })
      }
    } finally {
      for (const fd of held) closeSync(fd)
    }
  },
)

scenario('CVE-2024-21626: the process gets no descriptor of the host', {}, (t, box) => {
  const held = Array.from({ length: 20 }, () => openSync('/', 'r'))
  try {
    const inside = runProbe(t, box, ['fds', 'process'], {}, { fds: held })
    t.equal(inside.lines('fds').length, 3)
    t.equal(inside.pairs('process').cwd, '/')
  } finally {
    for (const fd of held) closeSync(fd)
  }
})

for (const name of ['proc', 'sys'] as const) {
  scenario(`CVE-2019-19921: /${name} is a symbolic link of the image`, {}, (t, box) => {
    const { dir, untouched } = victim(box)
    for (const target of [dir, '/etc', '../../victim', '/var']) {
      const bundle = box.bundle({ process: { args: ['/bin/probe', 'say:alive'] } }, { name: `b${box.id()}` })
      replaceByLink(bundle, name, target)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.not(result.status, 0, `a link to ${target} is refused`)
      t.notMatch(result.stdout, 'alive')
      t.equal(untouched(), true)
    }
  })
}

scenario(
  'CVE-2026-41579: /dev is a symbolic link of the image',
  {
    peers: { runc: '1.1 makes links in the victim', crun: '1.8 makes nodes in the victim' },
  },
  (t, box) => {
    const { dir, untouched } = victim(box)
    for (const mounts of [mountsWith(), mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')]) {
      for (const target of [dir, '../../victim']) {
        const bundle = box.bundle({ mounts }, { name: `b${box.id()}` })
        replaceByLink(bundle, 'dev', target)
        box.call(['run', '--bundle', bundle.dir, box.id()])
        t.equal(untouched(), true, `nothing is made in the victim (${mounts.length} mounts)`)
      }
    }
  },
)

scenario('mount destinations through links of the image stay in the image', {}, (t, box) => {
  const { dir, untouched } = victim(box)
  const chain = Array.from({ length: 39 }, (_, n) => [`l${n}`, `/l${n + 1}`] as const)
  for (const [name, links] of [
    ['absolute', [['mnt', dir]]],
    ['dots', [['mnt', `../../../../../../../../../../../..${dir}`]]],
    ['below', [['mnt', `${dir}/..`]]],
    ['chain', [...chain, ['l39', dir], ['mnt', '/l0']]],
    ['loop', [['mnt', '/mnt']]],
    ['dangling', [['mnt', '/not/there/yet']]],
    ['magic', [['mnt', '/proc/self/root']]],
    ['magic cwd', [['mnt', '/proc/self/cwd/../../victim']]],
  ] as const) {
    const mount = { destination: '/mnt/point', type: 'tmpfs', source: 'tmpfs', options: ['mode=0755'] }
    const bundle = box.bundle(
      probing(['file:/proc/self/mountinfo'], { root: { readonly: false }, mounts: mountsWith(mount) }),
      { name: `b${box.id()}` },
    )
    for (const [from, to] of links) symlinkSync(to, join(bundle.rootfs, from))
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(untouched(), true, name)
    if (result.status === 0) {
      t.equal(
        readReport(result)
          .mounts()
          .filter((line) => line.type === 'tmpfs').length >= 3,
        true,
        'mounted inside',
      )
    }
  }
})

scenario('a bind of a file onto a link of the image stays in the image', {}, (t, box) => {
  const { dir, untouched } = victim(box)
  const mount = { destination: '/etc/resolv.conf', type: 'bind', source: '/etc/hostname', options: ['bind', 'ro'] }
  for (const target of [join(dir, 'new'), join(dir, 'precious'), '../../../victim/new']) {
    const bundle = box.bundle({ root: { readonly: false }, mounts: mountsWith(mount) }, { name: `b${box.id()}` })
    symlinkSync(target, join(bundle.rootfs, 'etc/resolv.conf'))
    box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(untouched(), true, target)
  }
})

scenario(
  'CVE-2025-31133: /dev/null of the image is a link, and masking must not bind its target',
  {
    peers: { runc: '1.1 reopens stdio through the link', crun: '1.8 reopens stdio through the link' },
  },
  (t, box) => {
    const mounts = mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
    const { dir, untouched } = victim(box)
    for (const target of ['/proc/sys/kernel/core_pattern', '/etc/passwd', join(dir, 'precious')]) {
      const bundle = box.bundle(
        probing(['stat:/proc/keys', 'file:/proc/keys', 'stat:/proc/timer_list'], {
          mounts,
          root: { readonly: false },
        }),
        { name: `b${box.id()}` },
      )
      symlinkSync(target, join(bundle.rootfs, 'dev/null'))
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.equal(untouched(), true)
      if (result.status !== 0) {
        t.pass('refused')
        continue
      }
      const report = readReport(result)
      t.match(report.text('stat:/proc/keys'), /^char .* 1:3 0$/, 'covered by the null device or not at all')
      t.equal(report.text('file:/proc/keys'), '')
    }
  },
)

scenario(
  'CVE-2026-88265: /dev/null of the image is a file',
  {
    peers: { runc: '1.1 reopens stdio onto it', crun: '1.8 reopens stdio onto it' },
  },
  (t, box) => {
    const mounts = mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
    const bundle = box.bundle(probing(['stat:/proc/keys', 'file:/proc/keys'], { mounts, root: { readonly: false } }))
    writeFileSync(join(bundle.rootfs, 'dev/null'), 'content of the attacker\n')
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    if (result.status === 0) t.notMatch(readReport(result).text('file:/proc/keys'), 'attacker')
    else t.match(result.stderr, /null/)
  },
)

scenario(
  'CVE-2026-88264: /dev/console of the image is a link',
  { peers: { crun: 'makes the file' } },
  async (t, box) => {
    const { dir, untouched } = victim(box)
    const mounts = mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
    for (const target of [join(dir, 'new'), join(dir, 'precious'), '../../../victim/new']) {
      const bundle = box.bundle(
        probing(['terminal'], { mounts, root: { readonly: false }, process: { terminal: true } }),
        { name: `b${box.id()}` },
      )
      symlinkSync(target, join(bundle.rootfs, 'dev/console'))
      box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
      t.equal(untouched(), true, target)
    }
  },
)

scenario('masked and read-only paths through links of the image', {}, (t, box) => {
  const { dir, untouched } = victim(box)
  const bundle = box.bundle(
    probing(['say:alive'], {
      root: { readonly: false },
      linux: { maskedPaths: ['/masked/precious', '/masked'], readonlyPaths: ['/readonly'] },
    }),
  )
  symlinkSync(dir, join(bundle.rootfs, 'masked'))
  symlinkSync(dir, join(bundle.rootfs, 'readonly'))
  box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(untouched(), true)
  writeFileSync(join(dir, 'precious'), 'precious')
  t.pass('the victim can still be written by its owner')
})

scenario('a working directory that is a link of the image', {}, (t, box) => {
  const { dir, untouched } = victim(box)
  const bundle = box.bundle({
    root: { readonly: false },
    process: { args: ['sh', '-c', 'echo x >made; ls'], cwd: '/shift/below' },
  })
  symlinkSync(dir, join(bundle.rootfs, 'shift'))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(untouched(), true)
  t.notMatch(result.stdout, 'precious')
})

scenario('device nodes through links of the image', { peers: { runc: '1.1 makes nodes in the victim' } }, (t, box) => {
  const { dir, untouched } = victim(box)
  const bundle = box.bundle({
    root: { readonly: false },
    mounts: mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'),
    linux: { devices: [{ path: '/dev/sub/node', type: 'c', major: 1, minor: 3, fileMode: 0o666 }] },
  })
  symlinkSync(dir, join(bundle.rootfs, 'dev/sub'))
  box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(untouched(), true)
})

scenario(
  'CVE-2019-16884: a bind over /proc is refused, or labels would go to the attacker',
  { peers: { crun: 'mounts it' } },
  (t, box) => {
    const fake = join(box.dir, 'fake')
    mkdirSync(join(fake, 'self/attr'), { recursive: true })
    mkdirSync(join(fake, 'self/fd'))
    writeFileSync(join(fake, 'self/attr/exec'), '')
    const mounts = mountsWithout('/proc').concat({
      destination: '/proc',
      type: 'bind',
      source: fake,
      options: ['rbind'],
    })
    const bundle = box.bundle({ mounts, linux: { maskedPaths: undefined, readonlyPaths: undefined } })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, /proc/)
    t.same(readdirSync(join(fake, 'self/fd')), [])
  },
)

scenario('CVE-2026-115521: a fake /proc/self/fd of the image does not keep the root writable', {}, (t, box) => {
  const bundle = box.bundle(probing(['create:/new', 'create:/tmp/new'], { mounts: mountsWithout('/proc') }))
  mkdirSync(join(bundle.rootfs, 'proc/self/fd'), { recursive: true })
  for (let fd = 0; fd < 64; fd++) mkdirSync(join(bundle.rootfs, `proc/self/fd/${fd}`))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  if (result.status === 0) {
    t.equal(readReport(result).text('create:/new'), 'EROFS')
    t.equal(readReport(result).text('create:/tmp/new'), 'EROFS')
  }
  t.equal(existsSync(join(bundle.rootfs, 'new')), false)
})

scenario('CVE-2022-29162: nothing is inheritable', {}, (t, box) => {
  const status = runProbe(t, box, ['file:/proc/self/status']).pairs('file:/proc/self/status')
  t.equal(status.CapInh, '0000000000000000')
  t.equal(status.CapAmb, '0000000000000000')
})

scenario('GHSA-g54h-m393-cpwq: no device rules means the default rules, not none', {}, (t, box) => {
  const inside = runProbe(t, box, ['write:/dev/secret', 'write:/dev/null'], {
    linux: {
      resources: { devices: undefined },
      devices: [{ path: '/dev/secret', type: 'c', major: 1, minor: 2, fileMode: 0o666 }],
    },
  })
  t.not(inside.text('write:/dev/secret'), 'ok')
  t.equal(inside.text('write:/dev/null'), 'ok')
})

scenario('an image’s /etc/passwd gives a home, and nothing else', {}, (t, box) => {
  for (const passwd of [
    '1000:x:0:0:evil:/evil:/bin/sh\n',
    `a\n:\n::::::\nroot:x:0\n${'x'.repeat(100_000)}\n`,
    'user:x:1000:1000::/home/a\0b:/bin/sh\n',
    'user:x:1000:1000::$(id)=x:/bin/sh\nuser:x:1000:0::/second:/bin/sh\n',
  ]) {
    const bundle = box.bundle(probing(['process', 'env'], { process: { user: { uid: 1000, gid: 1000 } } }), {
      name: `b${box.id()}`,
    })
    rmSync(join(bundle.rootfs, 'etc/passwd'))
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), passwd)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    if (result.status === 0) t.match(readReport(result).pairs('process'), { uid: '1000 1000', gid: '1000 1000' })
    else t.match(result.stderr, /HOME|passwd|env|user/)
  }
  const linked = box.bundle(probing(['env']), { name: 'linked' })
  const { dir } = victim(box)
  writeFileSync(join(dir, 'precious'), 'root:x:0:0::/stolen:/bin/sh\n')
  rmSync(join(linked.rootfs, 'etc/passwd'))
  symlinkSync(join(dir, 'precious'), join(linked.rootfs, 'etc/passwd'))
  const result = box.call(['run', '--bundle', linked.dir, box.id()])
  t.notMatch(result.stdout, 'stolen', 'and it is not read through a link to the host')
})

scenario('a fifo or device for /etc/passwd does not hold the runtime up', {}, (t, box) => {
  const bundle = box.bundle(probing(['process']))
  rmSync(join(bundle.rootfs, 'etc/passwd'))
  symlinkSync('/dev/zero', join(bundle.rootfs, 'etc/passwd'))
  const zero = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(zero.status, 137, 'ends by itself')
})

scenario(
  'a created container: its init shows nothing of the host to the container',
  {
    peers: { runc: '1.1 has the state directory in its environment', crun: '1.8 has its command line' },
  },
  async (t, box) => {
    // A second container joins the namespaces of the first, as a pod does, and looks at the waiting init.
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id], { env: { SECRET_OF_THE_CALLER: 'hunter2' } }).status, 0)
    const pid = box.state(id)?.pid
    const script =
      'cat /proc/1/environ /proc/1/maps /proc/1/cmdline; for f in /proc/1/fd/*; do test -e $f/etc/shadow && echo host root at $f; done; echo looked'
    const namespaces = [
      { type: 'mount' },
      { type: 'pid', path: `/proc/${pid}/ns/pid` },
      { type: 'ipc' },
      { type: 'uts' },
    ]
    const second = box.bundle({ process: { args: ['sh', '-c', script] }, linux: { namespaces } }, { name: 'second' })
    const result = box.call(['run', '--bundle', second.dir, box.id()])
    t.match(result.stdout, 'looked', 'the second container ran', { stderr: result.stderr })
    t.notMatch(result.stdout, 'hunter2', 'no environment of the caller')
    t.notMatch(result.stdout, 'host root', 'no way to the host’s files')
    t.notMatch(result.stdout, box.dir, 'no path of the host')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario(
  'a created container holds no descriptor of the host',
  { peers: { crun: '1.8 keeps what it has inherited' } },
  (t, box) => {
    const held = Array.from({ length: 5 }, () => openSync('/', 'r'))
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id], { fds: held }).status, 0)
    for (const fd of held) closeSync(fd)
    const pid = box.state(id)?.pid
    const field = (line: string): string => line.split(' ')[0] ?? ''
    const hostMounts = new Set(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(field))
    const open = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2)
    const ofTheHost = open.filter((fd) => {
      const mount = /^mnt_id:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
      return hostMounts.has(mount) && statSync(`/proc/${pid}/fd/${fd}`).isDirectory()
    })
    t.same(
      ofTheHost.map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`),
      [],
      'no directory of a host mount',
    )
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario('writing to the cgroup tree from inside', {}, (t, box) => {
  const topics = [
    '/sys/fs/cgroup/memory/release_agent',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes',
    '/sys/fs/cgroup/devices/devices.allow',
  ]
  const inside = runProbe(
    t,
    box,
    topics.map((path) => `write:${path}`),
  )
  for (const path of topics) t.not(inside.text(`write:${path}`), 'ok', path)
})

scenario('a container cannot push characters into the caller’s terminal', {}, async (t, box) => {
  const bundle = box.bundle(probing(['try:tiocsti'], { process: { args: ['/bin/probe', 'try:tiocsti', 'process'] } }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
  t.equal(result.status, 0)
  t.not(readReport(result).text('try:tiocsti'), 'ok', 'it has a session of its own')
})

scenario(
  'a racer exchanges a directory on the way to the mount points',
  { peers: { runc: '1.1 loses the race' } },
  async (t, box) => {
    // CVE-2021-30465, CVE-2024-45310: what is checked and what is mounted on must be the same inode.
    const { dir, untouched } = victim(box)
    const volume = join(box.dir, 'volume')
    mkdirSync(join(volume, 'x'), { recursive: true })
    symlinkSync(dir, join(volume, 'y'))
    const points = Array.from({ length: 12 }, (_, n) => ({
      destination: `/v/x/a${n}`,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['size=4k'],
    }))
    const bundle = box.bundle(
      probing(['file:/proc/self/mountinfo'], {
        root: { readonly: false },
        mounts: mountsWith({ destination: '/v', type: 'bind', source: volume, options: ['rbind'] }, ...points),
      }),
    )
    const racer = box.helper([compiled('aid'), 'swap', '20000', join(volume, 'x'), join(volume, 'y')])
    for (let round = 0; round < 25; round++) {
      box.call(['run', '--bundle', bundle.dir, box.id()])
      if (!untouched()) break
    }
    racer.kill('SIGKILL')
    await racer.exited
    t.equal(untouched(), true, 'nothing was made in the victim')
  },
)

scenario(
  'CVE-2025-52565: a racer exchanges the terminal’s node while /dev/console is made of it',
  {},
  async (t, box) => {
    const { dir, untouched } = victim(box)
    // The volume lies over the container's devpts: what is at /dev/pts/0 is the attacker's.
    const volume = join(box.dir, 'volume')
    mkdirSync(volume)
    writeFileSync(join(volume, '0'), '')
    symlinkSync(join(dir, 'precious'), join(volume, 'link'))
    const topics = ['stat:/dev/console', 'file:/proc/self/mountinfo']
    const bundle = box.bundle(
      probing(topics, {
        process: { args: ['/bin/probe', ...topics], terminal: true },
        mounts: mountsWith({ destination: '/dev/pts', type: 'bind', source: volume, options: ['rbind'] }),
      }),
    )
    const racer = box.helper([compiled('aid'), 'swap', '20000', join(volume, '0'), join(volume, 'link')])
    for (let round = 0; round < 15; round++) {
      const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
      if (result.status !== 0) continue
      const report = readReport(result)
      t.match(report.text('stat:/dev/console'), /^char 06[02]0 /, 'a terminal')
      t.equal(report.mounts().find(({ target }) => target === '/dev/console')?.type, 'devpts')
    }
    racer.kill('SIGKILL')
    await racer.exited
    t.equal(untouched(), true)
  },
)

scenario('a racer exchanges /proc while the runtime writes below it', {}, async (t, box) => {
  // CVE-2023-27561, CVE-2025-52881: sysctl must reach the container's procfs, or nothing.
  const { dir, untouched } = victim(box)
  const patch: Patch = { linux: { sysctl: { 'kernel.msgmax': '7777' } }, root: { readonly: false } }
  const bundle = box.bundle(probing(['file:/proc/sys/kernel/msgmax'], patch))
  mkdirSync(join(dir, 'sys/kernel'), { recursive: true })
  const before = readdirSync(join(dir, 'sys/kernel'))
  symlinkSync(dir, join(bundle.rootfs, 'proc2'))
  const racer = box.helper([
    compiled('aid'),
    'swap',
    '20000',
    join(bundle.rootfs, 'proc'),
    join(bundle.rootfs, 'proc2'),
  ])
  for (let round = 0; round < 25; round++) {
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    // Who exchanges /proc after it was mounted sees nothing there: that harms nobody but himself.
    if (result.status === 0) t.match(readReport(result).text('file:/proc/sys/kernel/msgmax'), /^(7777|! E.*)$/)
  }
  racer.kill('SIGKILL')
  await racer.exited
  t.same(readdirSync(join(dir, 'sys/kernel')), before)
  rmSync(join(dir, 'sys'), { recursive: true })
  t.equal(untouched(), true)
})

scenario('a root file system that is itself a link', { peers: { runc: 'refuses it' } }, async (t, box) => {
  const bundle = box.bundle(probing(['dir:/']))
  renameSync(bundle.rootfs, join(box.dir, 'real'))
  symlinkSync(join(box.dir, 'real'), bundle.rootfs)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.match(readReport(result).lines('dir:/'), ['bin'], result.stderr)
})

scenario('a console socket that the other side closes, or answers', {}, async (t, box) => {
  const bundle = box.bundle(probing(['terminal'], { process: { terminal: true } }))
  const console = await openConsole(box)
  console.running.kill('SIGKILL')
  await console.running.exited
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, '--console-socket', console.socket, id])
  t.not(result.status, 0)
  t.not(result.status, 137, 'and does not hang')
  await until(() => box.state(id) === undefined, 'no container')
})
