/*
 * The default config, property by property, as seen by the container's process (config.md, config-linux.md): every
 * expectation is written out here. differential.test.ts compares the same report with runc's.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../harness/bundle.ts'
import { cgroupMounts, token } from '../harness/census.ts'
import { cgroupOf, reachableCgroups } from '../harness/cgroup.ts'
import { probing, readReport, runProbe } from '../harness/probe.ts'
import { compiled } from '../harness/project.ts'
import { either, needsCommand, needsController, needsV1, needsV2 } from '../harness/requires.ts'
import { runProgram, scenario, until } from '../harness/scenario.ts'

scenario('namespaces', {}, (t, box) => {
  const inside = runProbe(t, box, ['ns', 'process', 'dir:/proc', 'file:/proc/net/dev', 'file:/sys/class/net/lo/flags'])
  const ns = inside.pairs('ns')
  for (const name of ['ipc', 'mnt', 'net', 'pid', 'uts']) {
    t.not(ns[name], readlinkSync(`/proc/self/ns/${name}`), `${name} is new`)
  }
  for (const name of ['cgroup', 'user', 'time']) {
    t.equal(ns[name], readlinkSync(`/proc/self/ns/${name}`), `${name} is the runtime's`)
  }
  t.match(inside.pairs('process'), { pid: '1', ppid: '0' })
  t.same(
    inside.lines('dir:/proc').filter((name) => /^\d+$/.test(name)),
    ['1'],
    'procfs is of the new pid namespace',
  )
  t.equal(inside.lines('file:/proc/net/dev').length, 3, 'the only network device is lo')
  t.equal(inside.text('file:/sys/class/net/lo/flags'), '0x9', 'and it is up')
})

scenario('namespaces listed with the cgroup namespace', {}, (t, box) => {
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type }))
  const inside = runProbe(t, box, ['ns', 'file:/proc/self/cgroup'], { linux: { namespaces } })
  t.not(inside.pairs('ns').cgroup, readlinkSync('/proc/self/ns/cgroup'))
  for (const line of inside.lines('file:/proc/self/cgroup')) t.match(line, /:\/$/, 'its root is the container’s cgroup')
})

scenario('mounts', {}, (t, box) => {
  const inside = runProbe(t, box, ['file:/proc/self/mountinfo'])
  const mounts = inside.mounts()
  const find = (target: string) => mounts.filter((mount) => mount.target === target)
  const flags = (target: string) => [...(find(target)[0]?.options ?? [])].sort().join(' ')
  for (const [target, type, options, superOptions] of [
    ['/proc', 'proc', 'relatime rw', []],
    ['/dev', 'tmpfs', 'nosuid rw', ['size=65536k', 'mode=755']],
    ['/dev/pts', 'devpts', 'noexec nosuid relatime rw', ['gid=5', 'mode=620', 'ptmxmode=666']],
    ['/dev/shm', 'tmpfs', 'nodev noexec nosuid relatime rw', ['size=65536k']],
    ['/dev/mqueue', 'mqueue', 'nodev noexec nosuid relatime rw', []],
    ['/sys', 'sysfs', 'nodev noexec nosuid relatime ro', []],
  ] as const) {
    t.equal(find(target).length, 1, `one mount at ${target}`)
    t.equal(find(target)[0]?.type, type)
    t.equal(flags(target), options, `${target} has its flags`)
    for (const option of superOptions) t.ok(find(target)[0]?.superOptions.includes(option), `${target}: ${option}`)
  }
  t.ok(find('/')[0]?.options.includes('ro'), 'the root is read-only')
  t.match(find('/')[0]?.root, new RegExp(`${token}.*/rootfs$`), 'and is the bundle’s')
  t.equal(
    mounts.some((mount) => mount.propagation.includes('shared')),
    false,
    'nothing propagates out',
  )
  const known = /^(\/|\/(proc|dev|sys)(\/.*)?)$/
  t.same(
    mounts.filter((mount) => !known.test(mount.target)).map((mount) => mount.target),
    [],
    'no mount of the host',
  )
})

scenario(
  'mounts: the cgroup tree',
  { skip: needsV1('memory'), peers: { crun: 'leaves the tmpfs writable' } },
  (t, box) => {
    const topics = ['file:/proc/self/mountinfo', 'dir:/sys/fs/cgroup', 'create:/sys/fs/cgroup/x']
    const inside = runProbe(t, box, [...topics, 'create:/sys/fs/cgroup/memory/x'])
    for (const mount of cgroupMounts().filter((one) => one.controllers !== '')) {
      const name = mount.controllers.replace('name=', '')
      const found = inside.mounts().find((line) => line.target === `/sys/fs/cgroup/${name}`)
      t.match(found?.root, token, `${name}: the container's own cgroup`)
      t.ok(
        found?.options.includes('ro') && found.options.includes('nosuid') && found.options.includes('noexec'),
        'read-only',
      )
    }
    t.not(inside.text('create:/sys/fs/cgroup/x'), 'ok')
    t.not(inside.text('create:/sys/fs/cgroup/memory/x'), 'ok')
  },
)

scenario('mounts: the cgroup tree of v2', { skip: needsV2() }, (t, box) => {
  const topics = ['file:/proc/self/mountinfo', 'file:/proc/self/cgroup', 'file:/sys/fs/cgroup/cgroup.procs']
  const inside = runProbe(t, box, [...topics, 'write:/sys/fs/cgroup/cgroup.procs', 'create:/sys/fs/cgroup/x'])
  const mount = inside.mounts().find((line) => line.target === '/sys/fs/cgroup')
  t.equal(mount?.type, 'cgroup2')
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) t.ok(mount?.options.includes(option), option)
  t.match(mount?.root, token, "the container's own cgroup, not the host's tree")
  t.equal(inside.text('file:/sys/fs/cgroup/cgroup.procs'), '1')
  t.not(inside.text('write:/sys/fs/cgroup/cgroup.procs'), 'ok')
  t.not(inside.text('create:/sys/fs/cgroup/x'), 'ok')
})

scenario('a writable root and the file modes made in it', {}, (t, box) => {
  const topics = ['create:/new', 'stat:/new', 'stat:/made/for/mount', 'file:/proc/self/mountinfo']
  const inside = runProbe(t, box, topics, {
    root: { readonly: false },
    mounts: mountsWith({
      destination: '/made/for/mount',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['mode=0700', 'ro'],
    }),
  })
  t.equal(inside.text('create:/new'), 'ok')
  t.match(inside.text('stat:/new'), /^file 0644 0:0 /)
  t.match(inside.text('stat:/made/for/mount'), /^dir 0700 /)
  t.ok(
    inside
      .mounts()
      .find((mount) => mount.target === '/made/for/mount')
      ?.options.includes('ro'),
  )
})

scenario('read-only root', {}, (t, box) => {
  const inside = runProbe(t, box, ['create:/new', 'create:/dev/new', 'create:/tmp/new', 'create:/dev/shm/new'])
  t.equal(inside.text('create:/new'), 'EROFS')
  t.equal(inside.text('create:/tmp/new'), 'EROFS')
  t.equal(inside.text('create:/dev/new'), 'ok', '/dev is a mount of its own, and writable')
  t.equal(inside.text('create:/dev/shm/new'), 'ok')
})

scenario('rootfsPropagation', { skip: needsCommand('unshare') }, (t, box) => {
  // Below a shared mount, because otherwise nothing would propagate.
  const wrap = ['unshare', '--mount', '--propagation', 'shared']
  for (const [propagation, word] of [
    [undefined, 'master'],
    ['slave', 'master'],
    ['private', ''],
    ['rprivate', ''],
  ] as const) {
    const inside = runProbe(
      t,
      box,
      ['file:/proc/self/mountinfo'],
      { linux: { rootfsPropagation: propagation } },
      { wrap },
    )
    const root = inside.mounts().find((mount) => mount.target === '/')
    t.equal(root?.propagation[0] ?? '', word, propagation ?? 'default')
  }
})

scenario('devices', {}, (t, box) => {
  const nodes = { null: '1:3', zero: '1:5', full: '1:7', random: '1:8', urandom: '1:9', tty: '5:0' }
  const topics = Object.keys(nodes).map((name) => `stat:/dev/${name}`)
  const inside = runProbe(t, box, [...topics, 'dir:/dev', 'write:/dev/null', 'write:/dev/full', 'write:/dev/zero'])
  for (const [name, number] of Object.entries(nodes)) {
    t.equal(inside.text(`stat:/dev/${name}`), `char 0666 0:0 ${number} 0`)
  }
  t.same(
    inside.lines('dir:/dev').filter((name) => name !== 'core'),
    'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '),
    'and nothing else: no /dev/console without a terminal',
  )
  t.equal(inside.text('write:/dev/null'), 'ok')
  t.equal(inside.text('write:/dev/full'), 'ENOSPC')
  t.equal(inside.text('write:/dev/zero'), 'ok')
})

scenario('device links', {}, (t, box) => {
  const links = {
    ptmx: 'pts/ptmx',
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
  }
  const inside = runProbe(
    t,
    box,
    Object.keys(links).map((name) => `stat:/dev/${name}`),
  )
  for (const [name, target] of Object.entries(links)) {
    t.match(inside.text(`stat:/dev/${name}`), new RegExp(`^symlink .* -> ${target}$`))
  }
})

const everyCap = ['CAP_MKNOD', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']
const withCaps = { capabilities: { bounding: everyCap, effective: everyCap, permitted: everyCap } }

scenario('devices of the config', {}, (t, box) => {
  const inside = runProbe(t, box, ['stat:/dev/fuse', 'stat:/dev/deep/pipe', 'stat:/dev/block', 'write:/dev/fuse'], {
    process: withCaps,
    linux: {
      devices: [
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o620, uid: 7, gid: 8 },
        { path: '/dev/deep/pipe', type: 'p', fileMode: 0o600 },
        { path: '/dev/block', type: 'b', major: 7, minor: 250, fileMode: 0o660 },
      ],
    },
  })
  t.equal(inside.text('stat:/dev/fuse'), 'char 0620 7:8 10:229 0')
  t.equal(inside.text('stat:/dev/deep/pipe'), 'fifo 0600 0:0 0:0 0')
  t.equal(inside.text('stat:/dev/block'), 'block 0660 0:0 7:250 0')
  t.equal(inside.text('write:/dev/fuse'), 'EPERM', 'the node is there, the device cgroup still denies it')
})

scenario('device rules: deny all but the default devices', { skip: needsController('devices') }, (t, box) => {
  const topics = ['mknod:c:10:200:/dev/x', 'mknod:b:7:250:/dev/y', 'file:/dev/x', 'write:/dev/null', 'write:/dev/z']
  const inside = runProbe(t, box, topics, {
    process: withCaps,
    linux: { devices: [{ path: '/dev/z', type: 'c', major: 1, minor: 2, fileMode: 0o666 }] },
  })
  t.equal(inside.text('write:/dev/z'), 'EPERM', 'no opening of /dev/mem')
  t.equal(inside.text('write:/dev/null'), 'ok')
  t.equal(inside.text('mknod:c:10:200:/dev/x'), 'ok', 'making nodes is allowed, as runc does; opening is not')
})

scenario('device rules of the config, in order', { skip: needsController('devices') }, (t, box) => {
  const devices = [
    { path: '/dev/allowed', type: 'c', major: 1, minor: 11, fileMode: 0o666 },
    { path: '/dev/denied', type: 'c', major: 1, minor: 2, fileMode: 0o666 },
  ]
  const inside = runProbe(t, box, ['write:/dev/allowed', 'write:/dev/denied', 'write:/dev/zero'], {
    linux: {
      devices,
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 11, access: 'rw' },
          { allow: true, type: 'c', major: 1, minor: 2, access: 'rw' },
          { allow: false, type: 'c', major: 1, minor: 2, access: 'w' },
        ],
      },
    },
  })
  t.equal(inside.text('write:/dev/allowed'), 'ok')
  t.equal(inside.text('write:/dev/denied'), 'EPERM')
  t.equal(inside.text('write:/dev/zero'), 'ok', 'the default devices stay open')
})

scenario('masked and read-only paths', {}, (t, box) => {
  const topics = [
    'file:/proc/self/mountinfo',
    'file:/proc/keys',
    'file:/proc/timer_list',
    'dir:/sys/firmware',
    'dir:/proc/acpi',
    'create:/proc/acpi/x',
    'write:/proc/sys/kernel/hostname',
    'file:/proc/sys/kernel/ostype',
  ]
  const inside = runProbe(t, box, topics)
  t.equal(inside.text('file:/proc/keys'), '', 'a masked file is empty')
  t.equal(inside.text('file:/proc/timer_list'), '')
  t.equal(inside.text('dir:/sys/firmware'), '', 'a masked directory too')
  t.match(inside.text('dir:/proc/acpi'), /^(! ENOENT)?$/)
  t.not(inside.text('create:/proc/acpi/x'), 'ok')
  t.equal(inside.text('write:/proc/sys/kernel/hostname'), 'EROFS')
  t.equal(inside.text('file:/proc/sys/kernel/ostype'), 'Linux', 'read-only paths can be read')
  for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys']) {
    t.ok(
      inside
        .mounts()
        .find((mount) => mount.target === path)
        ?.options.includes('ro'),
      `${path} is read-only`,
    )
  }
})

scenario('masked and read-only paths of the root file system', {}, (t, box) => {
  const topics = ['file:/etc/passwd', 'dir:/var', 'create:/root/x', 'file:/etc/group', 'write:/etc/group']
  const inside = runProbe(t, box, topics, {
    root: { readonly: false },
    linux: {
      maskedPaths: ['/etc/passwd', '/var', '/does/not/exist'],
      readonlyPaths: ['/root', '/etc/group', '/nor/this'],
    },
  })
  t.equal(inside.text('file:/etc/passwd'), '')
  t.equal(inside.text('dir:/var'), '')
  t.equal(inside.text('create:/root/x'), 'EROFS')
  t.match(inside.text('file:/etc/group'), /^tty:/m)
  t.equal(inside.text('write:/etc/group'), 'EROFS')
})

scenario('hostname', {}, (t, box) => {
  t.equal(runProbe(t, box, ['hostname']).text('hostname'), 'conformance')
  const host = readFileSync('/proc/sys/kernel/hostname', 'utf8')
  t.not(host.trim(), 'conformance', 'the host keeps its own')
})

scenario('rlimits', {}, (t, box) => {
  const host = readReport(runProgram(box.dir, [compiled('probe'), 'rlimits'])).pairs('rlimits')
  const inside = runProbe(t, box, ['rlimits'], {
    process: {
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 1000 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 4096 },
        { type: 'RLIMIT_FSIZE', soft: 8_000_000_000_001, hard: 8_000_000_000_002 },
      ],
    },
  }).pairs('rlimits')
  t.same(
    inside,
    {
      ...host,
      RLIMIT_NOFILE: '100 1000',
      RLIMIT_CORE: '0 4096',
      RLIMIT_FSIZE: '8000000000001 8000000000002',
    },
    'those of the config; all others are the caller’s',
  )
})

scenario('rlimits beyond 2^53 are exact', {}, (t, box) => {
  const bundle = box.bundle(
    probing(['rlimits'], { process: { rlimits: [{ type: 'RLIMIT_FSIZE', soft: 111, hard: 222 }] } }),
  )
  const text = readFileSync(bundle.config, 'utf8')
  const exact = box.bundle(
    {},
    {
      name: 'exact',
      text: text.replace('111', '9007199254740993').replace('222', '18446744073709551613'),
    },
  )
  const result = box.call(['run', '--bundle', exact.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(readReport(result).pairs('rlimits').RLIMIT_FSIZE, '9007199254740993 18446744073709551613')
})

scenario('user, groups, umask, working directory', {}, (t, box) => {
  const inside = runProbe(t, box, ['process', 'file:/proc/self/status', 'env'], {
    process: { user: { uid: 1000, gid: 1001, additionalGids: [5, 77, 2147483647], umask: 0o027 }, cwd: '/etc' },
  })
  t.match(inside.pairs('process'), {
    uid: '1000 1000',
    gid: '1001 1001',
    groups: '5 77 2147483647',
    umask: '0027',
    cwd: '/etc',
  })
  const status = inside.pairs('file:/proc/self/status')
  t.equal(status.Uid, '1000\t1000\t1000\t1000')
  t.equal(status.Gid, '1001\t1001\t1001\t1001')
  t.equal(status.CapEff, '0000000000000000', 'a user who is not root has no effective capabilities')
  t.equal(status.CapPrm, '0000000000000000')
  t.equal(status.CapBnd, '0000000020000420')
  t.equal(inside.pairs('env').HOME, '/home/user')
})

scenario('root without additional groups', {}, (t, box) => {
  const inside = runProbe(t, box, ['process'], {}, { wrap: ['setpriv', '--groups', '4,20,24'] })
  t.match(inside.pairs('process'), { uid: '0 0', gid: '0 0', groups: '', umask: '0022' }, 'none of the caller’s groups')
})

scenario('a missing working directory is created', {}, (t, box) => {
  const inside = runProbe(t, box, ['process'], { root: { readonly: false }, process: { cwd: '/made/by/runtime' } })
  t.equal(inside.pairs('process').cwd, '/made/by/runtime')
})

scenario('environment', {}, (t, box) => {
  const env = ['PATH=/bin', 'A=1', 'EMPTY=', 'B=two words', 'A=2', 'C=x=y', 'U=\u00e4\u{1f600}']
  const inside = runProbe(t, box, ['env'], { process: { env } }, { env: { FROM_THE_CALLER: 'yes' } })
  const lines = [...inside.lines('env')].sort()
  t.same(
    lines.filter((line) => !line.startsWith('A=')),
    ['B=two words', 'C=x=y', 'EMPTY=', 'HOME=/root', 'PATH=/bin', 'U=\u00e4\u{1f600}'],
    'the config’s, HOME from passwd, none of the caller’s',
  )
  t.equal(lines.filter((line) => line.startsWith('A=')).at(-1), 'A=2', 'the last of two wins')
})

scenario('HOME', { peers: { crun: '1.8 sets none for an unknown user' } }, (t, box) => {
  const home = (user: number, env: readonly string[]) =>
    runProbe(t, box, ['env'], { process: { env: ['PATH=/bin', ...env], user: { uid: user, gid: 0 } } }).pairs('env')
      .HOME
  t.equal(home(0, []), '/root')
  t.equal(home(1000, []), '/home/user')
  t.equal(home(4242, []), '/', 'unknown user')
  t.equal(home(0, ['HOME=/elsewhere']), '/elsewhere', 'given')
})

scenario('the program is looked up in the container’s PATH', {}, (t, box) => {
  const run = (path: string, program: string) => {
    const bundle = box.bundle(
      { process: { args: [program, 'say:found'], env: [`PATH=${path}`] } },
      { name: `b${box.id()}` },
    )
    return box.call(['run', '--bundle', bundle.dir, box.id()], { env: { PATH: `${process.env.PATH}:/bin` } })
  }
  t.match(run('/nowhere:/bin', 'probe').stdout, 'found')
  t.match(run('/nowhere', '/bin/probe').stdout, 'found')
  const missing = run('/nowhere', 'probe')
  t.equal(missing.status, 1)
  t.match(missing.stderr, /executable file not found|no such file or directory/i)
})

scenario('capabilities: all five sets', {}, (t, box) => {
  const caps = (capabilities: { readonly [set: string]: readonly string[] }) => {
    const status = runProbe(t, box, ['file:/proc/self/status'], {
      process: { capabilities: { bounding: undefined, effective: undefined, permitted: undefined, ...capabilities } },
    }).pairs('file:/proc/self/status')
    return ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((key) => Number.parseInt(status[key] ?? 'x', 16))
  }
  const kill = 1 << 5
  const bind = 1 << 10
  const chown = 1
  t.same(
    caps({
      bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_NET_BIND_SERVICE'],
      permitted: ['CAP_KILL'],
      effective: ['CAP_KILL'],
    }),
    // With no_new_privs, execve(2) as root gains nothing beyond the permitted set; capabilities(7).
    [0, kill, kill, kill | bind | chown, 0],
  )
  t.same(
    caps({
      bounding: ['CAP_KILL', 'CAP_CHOWN'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_KILL'],
      ambient: ['CAP_KILL'],
    }),
    [kill, kill | chown, kill | chown, kill | chown, kill],
  )
  t.same(caps({}), [0, 0, 0, 0, 0], 'no lists: none')
})

scenario('capabilities of a user: ambient ones survive', {}, (t, box) => {
  const bind = ['CAP_NET_BIND_SERVICE']
  const status = runProbe(t, box, ['file:/proc/self/status'], {
    process: {
      user: { uid: 1000, gid: 1000 },
      capabilities: { bounding: bind, permitted: bind, effective: bind, inheritable: bind, ambient: bind },
    },
  }).pairs('file:/proc/self/status')
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) t.equal(status[set], '0000000000000400', set)
})

scenario('noNewPrivileges', {}, (t, box) => {
  t.equal(runProbe(t, box, ['process']).pairs('process').nnp, '1')
  t.equal(runProbe(t, box, ['process'], { process: { noNewPrivileges: false } }).pairs('process').nnp, '0')
  t.equal(runProbe(t, box, ['process'], { process: { noNewPrivileges: undefined } }).pairs('process').nnp, '0')
})

scenario('oomScoreAdj', {}, (t, box) => {
  const score = (patch: { readonly oomScoreAdj?: number }, wrap: readonly string[] = []) =>
    runProbe(t, box, ['file:/proc/self/oom_score_adj'], { process: patch }, { wrap }).text(
      'file:/proc/self/oom_score_adj',
    )
  t.equal(score({ oomScoreAdj: 321 }), '321')
  t.equal(score({ oomScoreAdj: 1000 }), '1000')
  t.equal(score({}, ['choom', '-n', '77', '--']), '77', 'unset: the caller’s')
})

scenario('sysctl', {}, (t, box) => {
  const topics = [
    'file:/proc/sys/net/ipv4/ip_forward',
    'file:/proc/sys/kernel/msgmax',
    'file:/proc/sys/fs/mqueue/msg_max',
  ]
  const inside = runProbe(t, box, topics, {
    linux: { sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '7777', 'fs.mqueue.msg_max': '11' } },
  })
  t.equal(inside.text(topics[0] ?? ''), '1')
  t.equal(inside.text(topics[1] ?? ''), '7777')
  t.equal(inside.text(topics[2] ?? ''), '11')
})

scenario('a sysctl without a namespace is refused', {}, (t, box) => {
  const before = readFileSync('/proc/sys/kernel/panic', 'utf8')
  for (const [key, value] of [
    ['kernel.panic', '12'],
    ['vm.swappiness', '11'],
    ['kernel/core_pattern', '|/bin/false'],
    ['net.ipv4.ip_forward/../../../kernel/panic', '12'],
  ] as const) {
    const bundle = box.bundle({ linux: { sysctl: { [key]: value } } }, { name: `b${box.id()}` })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0, key)
    t.match(result.stderr, key.split('/').at(-1) ?? '', 'the error has its name')
  }
  const shared = box.bundle({
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], sysctl: { 'net.ipv4.ip_forward': '1' } },
    hostname: undefined,
  })
  t.not(box.call(['run', '--bundle', shared.dir, box.id()]).status, 0, 'net.* without a network namespace of its own')
  t.equal(readFileSync('/proc/sys/kernel/panic', 'utf8'), before)
})

/** Of the lines in /proc/PID/cgroup. */
const isV1 = (line: string): boolean => !line.startsWith('0::')

scenario(
  'cgroup placement and limits',
  { skip: either(needsV1('memory'), needsV1('pids'), needsV1('cpu')) },
  async (t, box) => {
    const path = `/${token}-placed/below`
    const bundle = box.bundle(
      probing(['file:/proc/self/cgroup', 'wait'], {
        linux: {
          cgroupsPath: path,
          resources: {
            memory: { limit: 67_108_864, reservation: 33_554_432, swap: 67_108_864 },
            cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0', mems: '0' },
            pids: { limit: 42 },
          },
        },
      }),
    )
    const id = box.id()
    const created = box.call(['run', '-d', '--bundle', bundle.dir, id])
    t.equal(created.status, 0, created.stderr)
    await until(() => created.later().stdout.includes('ready'), 'ready')
    const lines = readReport({ ...created, ...created.later() }).lines('file:/proc/self/cgroup')
    for (const line of reachableCgroups(lines).filter(isV1)) t.ok(line.endsWith(`:${path}`), line)
    const read = (controller: string, file: string) => {
      const mount = cgroupMounts().find((one) => one.controllers.split(',').includes(controller))
      return readFileSync(join(mount?.dir ?? '', path, file), 'utf8').trim()
    }
    t.equal(read('memory', 'memory.limit_in_bytes'), '67108864')
    t.equal(read('memory', 'memory.soft_limit_in_bytes'), '33554432')
    t.equal(read('cpu', 'cpu.shares'), '512')
    t.equal(read('cpu', 'cpu.cfs_quota_us'), '50000')
    t.equal(read('cpu', 'cpu.cfs_period_us'), '100000')
    t.equal(read('cpuset', 'cpuset.cpus'), '0')
    t.equal(read('cpuset', 'cpuset.mems'), '0')
    t.equal(read('pids', 'pids.max'), '42')
    t.match(read('devices', 'devices.list'), /^c 1:3 rwm$/m)
    t.notMatch(read('devices', 'devices.list'), /^a /m)
    t.equal(read('freezer', 'cgroup.procs'), String(box.state(id)?.pid), 'one process in it')
    t.equal(box.call(['delete', '--force', id]).status, 0)
    for (const mount of cgroupMounts()) runProgram(box.dir, ['rmdir', join(mount.dir, `${token}-placed`)])
  },
)

scenario(
  'cgroup placement and limits on v2',
  { skip: either(needsV2(), needsController('memory')) },
  async (t, box) => {
    const path = `/${token}-placed/below`
    const bundle = box.bundle(
      probing(['file:/proc/self/cgroup', 'wait'], {
        linux: {
          cgroupsPath: path,
          resources: {
            memory: { limit: 67_108_864, reservation: 33_554_432, swap: 67_108_864 },
            cpu: { shares: 512, quota: 50_000, period: 100_000 },
            pids: { limit: 42 },
          },
        },
      }),
    )
    const id = box.id()
    const created = box.call(['run', '-d', '--bundle', bundle.dir, id])
    t.equal(created.status, 0, created.stderr)
    await until(() => created.later().stdout.includes('ready'), 'ready')
    const dir = cgroupOf(box.state(id)?.pid, 'memory')
    t.ok(dir.endsWith(path), dir)
    const read = (file: string) => readFileSync(join(dir, file), 'utf8').trim()
    t.equal(read('memory.max'), '67108864')
    t.equal(read('memory.low'), '33554432')
    t.equal(read('memory.swap.max'), '0', 'swap on v2 is without memory')
    // The old formula and the current one of runc and crun.
    t.match(read('cpu.weight'), /^(20|59)$/)
    t.equal(read('cpu.max'), '50000 100000')
    t.equal(read('pids.max'), '42')
    t.equal(read('cgroup.procs'), String(box.state(id)?.pid))
    t.equal(box.call(['delete', '--force', id]).status, 0)
    runProgram(box.dir, ['rmdir', join(dir, '..')])
  },
)

scenario('cgroup placement without a path', { skip: needsV1('pids') }, (t, box) => {
  const bundle = box.bundle(probing(['file:/proc/self/cgroup']))
  const id = box.id()
  const result = box.call(['run', '--bundle', bundle.dir, id])
  const lines = readReport(result).lines('file:/proc/self/cgroup')
  const named = reachableCgroups(lines).filter(isV1)
  for (const line of named) t.ok(line.endsWith(`/${id}`), `${line}: a cgroup of the id`)
  const mounted = cgroupMounts().filter((mount) => mount.controllers !== '').length
  t.equal(named.length, mounted, 'in every hierarchy')
})

scenario('the kernel enforces the pids limit', { skip: needsController('pids') }, (t, box) => {
  const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done; echo never'
  const bundle = box.bundle({
    process: { args: ['sh', '-c', script] },
    linux: { resources: { pids: { limit: 5 } } },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.match(result.stderr, /fork/, 'the sixth process is refused')
})

scenario('the kernel enforces the memory limit', { skip: needsController('memory') }, (t, box) => {
  const script = 'x=$(head -c 60000000 /dev/zero | tr "\\0" a); echo survived'
  const bundle = box.bundle({
    process: { args: ['sh', '-c', script] },
    linux: { resources: { memory: { limit: 20_000_000, swap: 20_000_000 } } },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 137, 'killed for memory')
})

scenario('descriptors: stdio only', {}, (t, box) => {
  const held = Array.from({ length: 6 }, () => 0)
  const inside = runProbe(t, box, ['fds', 'dir:/proc/self/fd'], {}, { fds: held })
  t.same(
    inside.lines('fds').map((line) => line.split(' ')[0]),
    ['0', '1', '2'],
    'whatever the caller had open',
  )
})

scenario('session, signals, and other inherited state', {}, (t, box) => {
  const inside = runProbe(t, box, ['process', 'file:/proc/self/status', 'stat:/proc/self/exe', 'keyring'])
  t.match(inside.pairs('process'), {
    sid: '1',
    pgid: '1',
    dumpable: '1',
    securebits: '0',
    pdeathsig: '0',
    subreaper: '0',
    personality: '0',
  })
  const status = inside.pairs('file:/proc/self/status')
  t.match(status, {
    SigBlk: '0000000000000000',
    SigIgn: '0000000000000000',
    SigPnd: '0000000000000000',
    TracerPid: '0',
  })
  t.equal(status.Name, 'probe', 'its name is its own')
})
