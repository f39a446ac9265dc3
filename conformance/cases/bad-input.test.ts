/*
 * Bad input: every invalid bundle, config, id, state root or cgroup is one clear error that names the file or property and
 * the reason, with exit status 1, and nothing is left behind (the framework's leak check). For other runtimes, run as
 * controls, only the status and the leak check count: their messages differ.
 */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Bundle, type Json, mountsWith, type Patch } from '../harness/bundle.ts'
import { token } from '../harness/census.ts'
import { isRunt, runtime } from '../harness/project.ts'
import { needsCommand, needsController } from '../harness/requires.ts'
import { type Box, type CallOptions, type Result, runProgram, scenario } from '../harness/scenario.ts'

/** A `create` that must fail; runt's error must match all patterns and be one line. */
function refused(t: Test, box: Box, dir: string, patterns: readonly RegExp[], options: CallOptions = {}): Result {
  const id = box.id()
  const result = box.call(['create', '--bundle', dir, id], options)
  const what = patterns.map(String).join(' ')
  if (isRunt) {
    t.equal(result.status, 1, what)
    for (const pattern of patterns) t.match(result.stderr, pattern)
    t.match(result.stderr, /^runt create /, 'in the grammar of the project’s errors')
    t.equal(result.stdout, '')
  } else {
    t.not(result.status, 0, what)
    t.not(result.stderr, '')
  }
  if (result.status === 0) box.call(['delete', '--force', id])
  t.equal(existsSync(join(box.root, id)), false, 'no state directory')
  return result
}

/* crun 1.8 treats a wrong type as an absent value: without namespaces it would change the host's own mounts. */
const notCrun = runtime.name === 'crun' ? 'crun 1.8 runs what it does not understand' : false

const bundleOf = (box: Box, patch: Patch): Bundle => box.bundle(patch, { name: `b${box.id()}` })

/** The same for several patches of the default config. */
function allRefused(t: Test, box: Box, cases: readonly (readonly [Patch, ...RegExp[]])[]): void {
  for (const [patch, ...patterns] of cases) {
    const bundle = bundleOf(box, patch)
    refused(t, box, bundle.dir, patterns)
    rmSync(bundle.dir, { recursive: true })
  }
}

scenario('a missing bundle, and a directory that is no bundle, are errors', {}, (t, box) => {
  refused(t, box, join(box.dir, 'nowhere'), [/nowhere/, /no such file or directory/i])
  mkdirSync(join(box.dir, 'empty'))
  refused(t, box, join(box.dir, 'empty'), [/config\.json/, /no such file or directory/i])
  writeFileSync(join(box.dir, 'file'), '')
  refused(t, box, join(box.dir, 'file'), [/file/, /not a directory/i])
  mkdirSync(join(box.dir, 'odd/config.json'), { recursive: true })
  refused(t, box, join(box.dir, 'odd'), [/config\.json/, /directory/i])
})

scenario('an unreadable config is an error', { skip: needsCommand('setpriv') }, (t, box) => {
  const bundle = box.bundle()
  chmodSync(bundle.config, 0)
  // Root can read everything; without these two capabilities it is like other users.
  const wrap = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-all']
  refused(t, box, bundle.dir, [/config\.json/, /permission denied/i], { wrap })
})

scenario('a config that is not JSON: line and column', {}, (t, box) => {
  for (const [text, line, column] of [
    ['{\n  "ociVersion": "1.0.2",\n  oops\n}\n', 3, 3],
    ['{"ociVersion": "1.0.2",}', 1, 24],
    ['{\n"a": 01}', 2, 0],
    ['{"a": tru}', 1, 7],
    ['{"a": "unterminated', 1, 0],
    ['{\n\n"a": [1, 2', 3, 0],
    ['', 1, 1],
    ['{} {}', 1, 4],
    ['{"a": "\\x"}', 1, 0],
    ["{'a': 1}", 1, 2],
  ] as const) {
    const bundle = box.bundle({}, { text, name: `b${box.id()}`, rootfs: 'empty' })
    const where = column === 0 ? new RegExp(`\\b${line}\\b`) : new RegExp(`\\b${line}\\b.*\\b${column}\\b`)
    refused(t, box, bundle.dir, [/config\.json/, where])
  }
})

scenario('a config that is not an object', {}, (t, box) => {
  for (const text of ['[]', '"text"', 'null', '42', 'true']) {
    const bundle = box.bundle({}, { text, name: `b${box.id()}`, rootfs: 'empty' })
    refused(t, box, bundle.dir, [/config\.json/, /object/])
  }
})

scenario(
  'a config nested too deeply, or too large to be one',
  { peers: { crun: 'its parser overflows' } },
  (t, box) => {
    const deep = box.bundle({}, { text: '['.repeat(200_000), name: 'deep', rootfs: 'empty' })
    refused(t, box, deep.dir, [/config\.json/])
    const object = box.bundle({}, { text: '{"a":'.repeat(100_000), name: 'object', rootfs: 'empty' })
    refused(t, box, object.dir, [/config\.json/])
  },
)

scenario('invalid JSON is an error', { peers: { crun: 'its parser has other limits' } }, (t, box) => {
  const text = readFileSync(box.bundle().config, 'utf8')
  const large = Buffer.alloc((64 << 20) + 1, ' ')
  for (const [name, content, reason] of [
    ['a byte order mark', `\ufeff${text}`, /line 1, column 1\b/],
    ['a NUL at the end', `${text}\0`, /expected the end of the document/],
    ['two documents', text + text, /expected the end of the document/],
    ['UTF-16', Buffer.from(text, 'utf16le'), /line 1/],
    ['more than 64 MiB', large, /file too large/],
  ] as const) {
    const bundle = box.bundle({}, { name: `b${box.id()}`, rootfs: 'empty' })
    writeFileSync(bundle.config, content)
    const { stderr } = refused(t, box, bundle.dir, [/config\.json/])
    if (isRunt) t.match(stderr, reason, name)
  }
})

scenario('an endless config.json is an error', { skip: isRunt ? false : 'others read on' }, (t, box) => {
  const bundle = box.bundle({}, { rootfs: 'empty' })
  rmSync(bundle.config)
  symlinkSync('/dev/zero', bundle.config)
  refused(t, box, bundle.dir, [/config\.json/, /file too large/])
})

scenario('valid JSON in unusual forms is accepted', { peers: { crun: 'refuses some' } }, (t, box) => {
  const text = readFileSync(box.bundle().config, 'utf8')
  const deep = `"deep": ${'['.repeat(150)}${']'.repeat(150)},`
  for (const [name, content] of [
    ['invalid UTF-8', Buffer.from(text.replace('{', '{"x": "\xff\xfe",'), 'latin1')],
    ['half a surrogate pair', text.replace('{', '{"x": "\\ud800",')],
    ['numbers that no type holds', text.replace('{', `{"x": [1e999, -1${'0'.repeat(500)}],`)],
    ['nested deeply', text.replace('{', `{${deep}`)],
    ['a key twice', text.replace('{', '{"hostname": "first",')],
  ] as const) {
    const bundle = box.bundle({}, { name: `b${box.id()}` })
    writeFileSync(bundle.config, content)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 0, `${name}: ${result.stderr}`)
  }
})

scenario('wrong types: process', { skip: notCrun }, (t, box) => {
  allRefused(t, box, [
    [{ process: 'sh' }, /process\b/, /object/],
    [{ process: { args: 'sh' } }, /process\.args/, /array/],
    [{ process: { args: [1] } }, /process\.args\[0\]/, /string/],
    [{ process: { env: { PATH: '/bin' } } }, /process\.env/, /array/],
    [{ process: { cwd: 7 } }, /process\.cwd/, /string/],
    [{ process: { terminal: 'yes' } }, /process\.terminal/, /true or false|boolean/],
    [{ process: { user: 'root' } }, /process\.user/, /object/],
    [{ process: { user: { uid: '0' } } }, /process\.user\.uid/, /integer|number/],
    [{ process: { user: { uid: -1 } } }, /process\.user\.uid/],
    [{ process: { user: { uid: 1.5 } } }, /process\.user\.uid/, /integer|number/],
    [{ process: { user: { uid: 4294967296 } } }, /process\.user\.uid/],
    [{ process: { user: { additionalGids: [1, 'tty'] } } }, /process\.user\.additionalGids\[1\]/],
    [{ process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 'many', hard: 1 }] } }, /process\.rlimits\[0\]\.soft/],
    [{ process: { capabilities: { bounding: 'CAP_KILL' } } }, /process\.capabilities\.bounding/, /array/],
    [{ process: { oomScoreAdj: 'low' } }, /process\.oomScoreAdj/],
    [{ process: { noNewPrivileges: 1 } }, /process\.noNewPrivileges/, /true or false|boolean/],
  ])
})

scenario('wrong types: the rest', { skip: notCrun }, (t, box) => {
  allRefused(t, box, [
    [{ ociVersion: 1 }, /ociVersion/, /string/],
    [{ root: 'rootfs' }, /root\b/, /object/],
    [{ root: { path: ['rootfs'] } }, /root\.path/, /string/],
    [{ root: { readonly: 'no' } }, /root\.readonly/, /true or false|boolean/],
    [{ hostname: 5 }, /hostname/, /string/],
    [{ mounts: {} }, /mounts/, /array/],
    [{ mounts: [{ destination: 5 }] }, /mounts\[0\]\.destination/, /string/],
    [{ mounts: [{ destination: '/x', options: 'ro' }] }, /mounts\[0\]\.options/, /array/],
    [{ annotations: ['x'] }, /annotations/, /object/],
    [{ annotations: { x: 1 } }, /annotations.*x/, /string/],
    [{ hooks: { createRuntime: {} } }, /hooks\.createRuntime/, /array/],
    [{ hooks: { createRuntime: [{ path: 1 }] } }, /hooks\.createRuntime\[0\]\.path/, /string/],
    [{ linux: [] }, /linux\b/, /object/],
    [{ linux: { namespaces: 'all' } }, /linux\.namespaces/, /array/],
    [{ linux: { maskedPaths: '/proc/kcore' } }, /linux\.maskedPaths/, /array/],
    [{ linux: { resources: { memory: { limit: '1g' } } } }, /linux\.resources\.memory\.limit/],
    [{ linux: { resources: { pids: { limit: true } } } }, /linux\.resources\.pids\.limit/],
    [{ linux: { devices: [{ path: '/dev/x', type: 'c', major: '1', minor: 1 }] } }, /linux\.devices\[0\]\.major/],
    [{ linux: { sysctl: { 'net.ipv4.ip_forward': 1 } } }, /linux\.sysctl/, /string/],
    [{ linux: { seccomp: 'on' } }, /linux\.seccomp/, /object/],
  ])
})

scenario('wrong values', { skip: notCrun, peers: { runc: '1.1 takes some of them' } }, (t, box) => {
  allRefused(t, box, [
    [{ ociVersion: undefined }, /ociVersion/],
    [{ ociVersion: '2.0.0' }, /ociVersion/, /2\.0\.0/],
    [{ ociVersion: 'banana' }, /ociVersion/, /banana/],
    [{ process: { cwd: 'relative/path' } }, /process\.cwd/, /absolute/],
    [{ process: { cwd: undefined } }, /process\.cwd/],
    [{ process: { rlimits: [{ type: 'RLIMIT_BOGUS', soft: 1, hard: 1 }] } }, /process\.rlimits\[0\]/, /RLIMIT_BOGUS/],
    [{ process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 9, hard: 1 }] } }, /process\.rlimits\[0\]/],
    [
      {
        process: {
          rlimits: [
            { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 },
            { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 },
          ],
        },
      },
      /process\.rlimits\[1\]/,
    ],
    [{ process: { env: ['NO_EQUALS_SIGN'] } }, /process\.env\[0\]/],
    [{ process: { oomScoreAdj: 1001 } }, /process\.oomScoreAdj/],
    [{ mounts: mountsWith({ type: 'tmpfs' }) }, /mounts\[7\]/, /destination/],
    [{ linux: { maskedPaths: ['relative'] } }, /linux\.maskedPaths\[0\]/],
    [{ linux: { readonlyPaths: ['relative'] } }, /linux\.readonlyPaths\[0\]/],
    [{ linux: { rootfsPropagation: 'sideways' } }, /linux\.rootfsPropagation/],
    [{ linux: { devices: [{ path: '/dev/x', type: 'z', major: 1, minor: 1 }] } }, /linux\.devices\[0\]/],
    [{ linux: { devices: [{ path: '/dev/x', type: 'c' }] } }, /linux\.devices\[0\]/],
    [{ linux: { seccomp: { defaultAction: 'SCMP_ACT_PERHAPS' } } }, /linux\.seccomp/, /SCMP_ACT_PERHAPS/],
    [{ hooks: { createRuntime: [{ path: 'bin/true' }] } }, /hooks\.createRuntime\[0\]/, /absolute/],
    [{ hooks: { createRuntime: [{ args: ['x'] }] } }, /hooks\.createRuntime\[0\]/, /path/],
    [{ hooks: { createRuntime: [{ path: '/bin/true', timeout: 0 }] } }, /hooks\.createRuntime\[0\]\.timeout/],
  ])
})

scenario('invalid namespaces are errors', { skip: notCrun }, (t, box) => {
  const with_ = (...more: Json[]): Patch => ({ linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }, ...more] } })
  allRefused(t, box, [
    [with_({ type: 'nonsense' }), /linux\.namespaces\[2\]/, /nonsense/],
    [with_({ path: '/proc/self/ns/pid' }), /linux\.namespaces\[2\]/, /type/],
    [with_({ type: 'uts' }), /linux\.namespaces\[2\]/, /uts/],
    [with_({ type: 'network', path: '/no/such/ns' }), /linux\.namespaces\[2\]/, /no\/such\/ns/],
    [with_({ type: 'network', path: '/proc/self/ns/ipc' }), /linux\.namespaces\[2\]/, /proc\/self\/ns\/ipc/],
    [with_({ type: 'network', path: '/etc/passwd' }), /linux\.namespaces\[2\]/, /etc\/passwd/],
  ])
})

scenario('properties that need a namespace', { skip: notCrun, peers: { runc: '1.1 ignores mappings' } }, (t, box) => {
  allRefused(t, box, [
    [{ linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] } }, /hostname/, /uts/i],
    [{ linux: { uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] } }, /linux\.uidMappings/, /user/],
  ])
})

scenario('invalid root file systems are errors', {}, (t, box) => {
  const missing = box.bundle({}, { rootfs: 'none', name: 'missing' })
  refused(t, box, missing.dir, [/root\.path|rootfs/, /no such file or directory/i])
  const file = box.bundle({}, { rootfs: 'none', name: 'file' })
  writeFileSync(file.rootfs, '')
  refused(t, box, file.dir, [/root\.path|rootfs/, /not a directory/i])
  refused(t, box, bundleOf(box, { root: { path: '' } }).dir, [/root\.path/])
  refused(t, box, bundleOf(box, { root: { path: 'else/where' } }).dir, [/else\/where/, /no such file or directory/i])
  refused(t, box, bundleOf(box, { root: undefined }).dir, [/root\b/])
})

scenario('root.path may be relative or absolute', {}, (t, box) => {
  const bundle = box.bundle({ root: { path: './rootfs/' } })
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0)
  const other = box.bundle({ root: { path: bundle.rootfs } }, { name: 'other', rootfs: 'none' })
  t.equal(box.call(['run', '--bundle', other.dir, box.id()]).status, 0)
})

scenario('process.args that cannot be executed are errors', { skip: notCrun }, (t, box) => {
  refused(t, box, bundleOf(box, { process: { args: undefined } }).dir, [/process\.args/])
  refused(t, box, bundleOf(box, { process: { args: [] } }).dir, [/process\.args/])
  const run = (path: string, ...patterns: RegExp[]) => {
    const bundle = bundleOf(box, { process: { args: [path] } })
    writeFileSync(join(bundle.rootfs, 'etc/script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    writeFileSync(join(bundle.rootfs, 'etc/data'), 'neither script nor program\n', { mode: 0o755 })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1, path)
    for (const pattern of patterns) t.match(result.stderr, pattern)
    if (isRunt) t.match(result.stderr, /process\.args/)
  }
  run('/no/such/program', /\/no\/such\/program/, /no such file or directory/i)
  run('nosuchprogram', /nosuchprogram/, /executable file.*not found|no such file or directory/i)
  run('/etc/passwd', /\/etc\/passwd/, /permission denied/i)
  run('/etc', /\/etc/, /permission denied|is a directory/i)
  run('/etc/script', /\/etc\/script/, /no such file or directory/i)
  run('/etc/data', /\/etc\/data/, /exec format error/i)
  run('/etc/passwd/below', /\/etc\/passwd\/below/, /not a directory/i)
})

scenario(
  'invalid ids are errors',
  { peers: { runc: '1.1 says what lstat says to 5000 characters', crun: '1.8 takes some of them' } },
  (t, box) => {
    const bundle = box.bundle()
    for (const id of ['', '..', '.', 'a/b', '/', '../escape', 'a b', 'a\nb', 'ä', 'a:b', 'x'.repeat(5000), '*', '-x']) {
      const shown = id.length > 20 ? `${id.length} characters` : JSON.stringify(id)
      const result = box.call(['create', '--bundle', bundle.dir, ...(id.startsWith('-') ? ['--'] : []), id])
      if (id === '-x' && result.status === 0) {
        t.equal(box.call(['delete', '--', id]).status, 0, 'an id may start with a dash, as for runc')
        continue
      }
      t.equal(result.status, 1, shown)
      t.match(result.stderr, /id/i)
    }
    t.equal(existsSync(join(box.dir, 'escape')), false)
  },
)

scenario('ids may have every allowed character', {}, (t, box) => {
  const bundle = box.bundle()
  for (const id of [`A-z_0.9+${token}`, `${token}${'y'.repeat(100)}`]) {
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0, id)
    t.equal(box.state(id)?.id, id)
    t.equal(box.call(['delete', id]).status, 0)
  }
})

scenario('commands without or with too many arguments', {}, (t, box) => {
  const bundle = box.bundle()
  for (const args of [
    ['create'],
    ['run'],
    ['start'],
    ['state'],
    ['kill'],
    ['delete'],
    ['create', 'a', 'b'],
    ['list', 'a'],
  ]) {
    const result = box.call(args, { cwd: bundle.dir })
    if (args[0] === 'list') continue
    t.equal(result.status, 1, args.join(' '))
    t.not(result.stderr + result.stdout, '')
  }
})

scenario('a state root that cannot be written', {}, (t, box) => {
  const bundle = box.bundle()
  for (const [root, reason] of [
    ['/proc/runt', /no such file|permission denied|not permitted|read-only/i],
    [bundle.config, /not a directory|exists/i],
  ] as const) {
    const result = box.call(['create', '--bundle', bundle.dir, box.id()], { root })
    t.not(result.status, 0, root)
    if (isRunt) t.match(result.stderr, root)
    t.match(result.stderr, isRunt ? reason : /./)
  }
})

scenario(
  'a state root on a full disk',
  {
    skip: needsCommand('mount'),
    peers: { runc: '1.1 prints %!w(<nil>) for the reason', crun: 'leaves its directory' },
  },
  (t, box) => {
    const bundle = box.bundle()
    const root = join(box.dir, 'tiny')
    mkdirSync(root)
    t.equal(runProgram(box.dir, ['mount', '-t', 'tmpfs', '-o', 'size=4k,nr_inodes=20', 'tiny', root]).status, 0)
    box.defer(() => runProgram(box.dir, ['umount', root]))
    writeFileSync(join(root, '.filler'), 'x'.repeat(4096))
    const id = box.id()
    const full = box.call(['create', '--bundle', bundle.dir, id], { root })
    t.not(full.status, 0)
    t.match(full.stderr, /no space left on device|ENOSPC/i)
    t.equal(existsSync(join(root, id)), false, 'no state directory')
    rmSync(join(root, '.filler'))
    const roomy = box.call(['create', '--bundle', bundle.dir, id], { root })
    if (roomy.status === 0) t.equal(box.call(['delete', '--force', id], { root }).status, 0)
    t.equal(existsSync(join(root, id)), false)
  },
)

scenario(
  'a state root without free inodes is an error',
  {
    skip: needsCommand('mount'),
    peers: { runc: '1.1 prints %!w(<nil>) for the reason', crun: 'leaves its directory' },
  },
  (t, box) => {
    const bundle = box.bundle()
    const root = join(box.dir, 'few')
    mkdirSync(root)
    for (const inodes of [1, 2, 3, 4]) {
      t.equal(runProgram(box.dir, ['mount', '-t', 'tmpfs', '-o', `size=1m,nr_inodes=${inodes}`, 'few', root]).status, 0)
      const id = box.id()
      const result = box.call(['create', '--bundle', bundle.dir, id], { root })
      if (result.status === 0) t.equal(box.call(['delete', '--force', id], { root }).status, 0, 'enough')
      else t.match(result.stderr, /no space left on device|ENOSPC/i, `${inodes} inodes`)
      t.equal(existsSync(join(root, id)), false, 'nothing is left in it')
      t.equal(runProgram(box.dir, ['umount', root]).status, 0)
    }
  },
)

scenario('a line break in a name does not start a second message', {}, (t, box) => {
  const forged = 'x\nruntime: all is well\u2028\u001b[2J\u0085'
  const configs: readonly Patch[] = [
    { linux: { namespaces: [{ type: 'network', path: `/${forged}` }, { type: 'mount' }] }, hostname: undefined },
    { mounts: [{ destination: '/x', type: 'bind', source: `/${forged}`, options: ['bind'] }] },
    { mounts: [{ destination: '/x', type: forged, source: 'x' }] },
    { process: { args: [forged] } },
    { process: { rlimits: [{ type: forged, soft: 1, hard: 1 }] } },
    { hooks: { prestart: [{ path: '/bin/sh', args: ['sh', '-c', 'printf "one\\ntwo\\033" >&2; exit 1'] }] } },
    { linux: { [forged]: 1, seccomp: { defaultAction: forged } } },
  ]
  const oneLine = /^(?:[^\p{Cc}\p{Zl}\p{Zp}]|\t)+\n(Run 'runt .* --help' for usage\.\n)?$/u
  for (const [at, patch] of configs.entries()) {
    const { dir } = box.bundle(patch, { name: `forged${at}` })
    const log = join(box.dir, `log${at}`)
    const result = box.call(['--log', log, 'run', '--bundle', dir, box.id()])
    t.equal(result.status, 1, `config ${at}`)
    if (isRunt) t.match(result.stderr, oneLine, `config ${at}`)
    if (isRunt) for (const line of readFileSync(log, 'utf8').trimEnd().split('\n')) t.match(`${line}\n`, oneLine)
  }
  if (!isRunt) return
  for (const args of [
    ['state', forged],
    ['kill', 'none', forged],
    ['--log', `/${forged}/log`, 'list'],
    ['run', '--bundle', forged, 'x'],
    ['list', '--format', forged],
  ])
    t.match(box.call(args), { status: 1, stderr: oneLine }, `${args[0]}`)
})

scenario('cgroups that cannot be written', { skip: needsController('pids') }, (t, box) => {
  const bundle = box.bundle()
  const script =
    'for m in $(awk \'$0 ~ / - cgroup2? / {print $5}\' /proc/self/mountinfo); do mount -o remount,bind,ro $m; done; exec "$@"'
  const wrap = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  refused(t, box, bundle.dir, [/cgroup/, /read-only file system/i], { wrap })
})

scenario(
  'limits that the kernel refuses',
  { skip: needsController('cpuset'), peers: { crun: '1.8 leaves cgroups' } },
  (t, box) => {
    const limits = (resources: Patch): Patch => ({ linux: { resources } })
    allRefused(t, box, [
      [limits({ cpu: { cpus: '4000-4001' } }), /linux\.resources\.cpu\.cpus/],
      [limits({ cpu: { cpus: 'all of them' } }), /linux\.resources\.cpu\.cpus/],
      [limits({ cpu: { quota: 1 } }), /linux\.resources\.cpu/],
      [limits({ hugepageLimits: [{ pageSize: '3MB', limit: 0 }] }), /linux\.resources\.hugepageLimits\[0\]/],
    ])
  },
)

scenario('mounts that fail', {}, (t, box) => {
  allRefused(t, box, [
    [{ mounts: mountsWith({ destination: '/x', type: 'nosuchfs', source: 'x' }) }, /mounts\[7\]/, /nosuchfs/],
    [
      { mounts: mountsWith({ destination: '/x', type: 'bind', source: '/no/source', options: ['bind'] }) },
      /mounts\[7\]/,
      /\/no\/source/,
      /no such file or directory/i,
    ],
    [
      { mounts: mountsWith({ destination: '/tmp', type: 'tmpfs', source: 't', options: ['size=much'] }) },
      /mounts\[7\]/,
    ],
    [{ mounts: mountsWith({ destination: '/bin/busybox/x', type: 'tmpfs', source: 't' }) }, /mounts\[7\]/],
  ])
})

scenario('a console socket for a process without a terminal', { skip: isRunt ? false : 'other words' }, (t, box) => {
  const { dir } = box.bundle()
  const images = join(box.dir, 'images')
  mkdirSync(images)
  for (const command of [['create'], ['run'], ['run', '--detach'], ['restore', '--image-path', images]]) {
    const [program, ...args] = [...command, '--bundle', dir, '--console-socket', join(box.dir, 'socket'), box.id()]
    const result = box.call([program, ...args])
    t.equal(result.status, 1, program)
    t.match(result.stderr, /--console-socket: the process has no terminal to send; see process\.terminal/)
  }
})

scenario('strings with a NUL', { skip: notCrun }, (t, box) => {
  allRefused(t, box, [
    [{ process: { args: ['/bin/true\0x'] } }, /process\.args\[0\]/],
    [{ process: { env: ['A=b\0c'] } }, /process\.env\[0\]/],
    [{ process: { cwd: '/\0x' } }, /process\.cwd/],
    [{ mounts: mountsWith({ destination: '/x\0y', type: 'tmpfs', source: 't' }) }, /mounts\[7\]/],
  ])
})

scenario(
  'unusual but valid configs are no error',
  { peers: { crun: '1.8 refuses unknown capabilities' } },
  (t, box) => {
    for (const [name, patch] of [
      ['unknown properties', { nonsense: { a: [1] }, process: { alsoNonsense: true }, linux: { future: 'x' } }],
      ['unknown annotations', { annotations: { 'com.example.unknown': 'x', 'no-dots': '' } }],
      ['an unknown capability', { process: { capabilities: { bounding: ['CAP_FROM_THE_FUTURE', 'CAP_KILL'] } } }],
      ['other platforms', { solaris: { milestone: 'x' }, windows: { layerFolders: ['x'] } }],
      ['empty lists', { hooks: {}, annotations: {}, linux: { devices: [], resources: {} } }],
      ['null is as absent', { hooks: null, annotations: null, linux: { sysctl: null, seccomp: null } }],
    ] as const satisfies readonly (readonly [string, Patch])[]) {
      const bundle = bundleOf(box, patch)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.equal(result.status, 0, `${name}: ${result.stderr}`)
    }
  },
)

scenario('config keys match in any case, as in Go', { peers: { crun: 'keys must match' } }, (t, box) => {
  const bundle = box.bundle({ linux: { resources: { cpu: undefined } } })
  const text = runProgram(box.dir, ['cat', bundle.config]).stdout.replace('"hostname"', '"HostName"')
  const upper = box.bundle({}, { text, name: 'upper' })
  t.equal(box.call(['run', '--bundle', upper.dir, box.id()]).status, 0, 'keys match without regard to case, as Go’s do')
})

scenario('a bundle that is moved away between create and delete', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  renameSync(bundle.dir, `${bundle.dir}-moved`)
  t.equal(box.state(id)?.status, 'created')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  linkSync(join(`${bundle.dir}-moved`, 'config.json'), join(box.dir, 'kept'))
})
