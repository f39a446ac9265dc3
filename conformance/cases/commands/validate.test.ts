/*
 * validate: lists every problem of a config with its place in the file, and changes nothing. One run must be enough
 * to repair a config.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

scenario('validate of a good config', { skip }, (t, box) => {
  const bundle = box.bundle()
  const result = box.call(['validate', bundle.dir])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stderr, '')
  t.equal(result.stdout, `${bundle.config}: ok\n`)
  t.same(readdirSync(box.root), [])
})

scenario('validate reports the position of each problem, in the order of the file', { skip }, (t, box) => {
  const text = `{
  "$schema": "https://example.com/config-schema.json",
  "ociVersion": "1.0.2",
  "linux": {"namespaces": [{"type": "mount"}, {"type": "mount"}], "rootfsPropagation": 1},
  "root": {
    "path": "rootfs",
    "readOnyl": true,
    "path": "rootfs"
  },
  "mounts": [
    {"type": "tmpfs", "options": ["nosuid", 5]}
  ],
  "Process": {"args": [], "cwd": "/", "user": {"uid": 0, "gid": 0, "umask": 512}}
}
`
  const bundle = box.bundle({}, { text })
  const result = box.call(['validate', bundle.dir])
  t.equal(result.status, 1)
  t.same(result.stdout.split('\n'), [
    `${bundle.config}:4:56: linux.namespaces[1].type: mount is already listed as linux.namespaces[0]`,
    `${bundle.config}:4:88: linux.rootfsPropagation: must be one of private, shared, slave, unbindable, rprivate, rshared, rslave, runbindable, not 1`,
    `${bundle.config}:7:5: warning: root.readOnyl: unknown property; did you mean readonly?`,
    `${bundle.config}:8:5: warning: root.path: "path" occurs twice, the last one counts`,
    `${bundle.config}:11:5: mounts[0].destination: is required`,
    `${bundle.config}:11:45: mounts[0].options[1]: must be a string, not 5`,
    `${bundle.config}:13:23: process.args: must have at least one entry`,
    `${bundle.config}:13:77: process.user.umask: must be at most 511 (octal 777), not 512`,
    '',
  ])
})

scenario('validate of a text that is not JSON', { skip }, (t, box) => {
  const bundle = box.bundle({}, { text: '{\n  "ociVersion": x\n}' })
  const result = box.call(['validate', bundle.dir])
  t.equal(result.status, 1)
  t.equal(result.stdout, `${bundle.config}:2:17: expected a value, found "x"\n`)
})

scenario('validate lists all problems at once', { skip }, (t, box) => {
  const bundle = box.bundle({
    process: {
      cwd: 'relative',
      args: [],
      rlimits: [{ type: 'RLIMIT_BOGUS', soft: 1, hard: 1 }],
      user: { uid: -1, gid: 0 },
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, { type: 'tmpfs' }],
    linux: { namespaces: [{ type: 'pid' }, { type: 'pid' }, { type: 'nonsense' }, { type: 'mount' }] },
  })
  const result = box.call(['validate', bundle.dir])
  t.equal(result.status, 1)
  const text = result.stdout + result.stderr
  for (const path of [
    'process.cwd',
    'process.args',
    'process.rlimits[0]',
    'process.user.uid',
    'mounts[1]',
    'linux.namespaces[2]',
  ]) {
    t.match(text, path, `names ${path}`)
  }
  t.match(text, /linux\.namespaces\[1\]|duplicate|twice/, 'and the namespace listed twice')
})

scenario('validate warns of unknown properties', { skip }, (t, box) => {
  const bundle = box.bundle({ hostnam: 'x', root: { readOnly: true }, linux: { maskedPath: ['/x'] } })
  const result = box.call(['validate', bundle.dir])
  t.equal(result.status, 0)
  t.match(result.stdout, /:\d+: warning: hostnam: unknown property; did you mean hostname\?$/m)
  t.match(result.stdout, /:\d+: warning: root\.readOnly: unknown property; did you mean readonly\?$/m)
  t.match(result.stdout, /:\d+: warning: linux\.maskedPath: unknown property; did you mean maskedPaths\?$/m)
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).stderr, '', 'run says nothing of them')
})

scenario('validate suggests similar values', { skip }, (t, box) => {
  const bundle = box.bundle({
    process: {
      capabilities: { bounding: ['NET_ADMIN', 'CAP_KIL'] },
      rlimits: [{ type: 'RLIMIT_NOFILES', soft: 1, hard: 1 }],
    },
    hooks: { prestrat: [] },
    linux: {
      namespaces: [{ type: 'net' }, { type: 'mount' }],
      rootfsPropagation: 'rpriv',
      seccomp: { defaultAction: 'SCMP_ACT_ALOW', syscalls: [{ names: ['opennat'], action: 'SCMP_ACT_ERNO' }] },
    },
  })
  const seen = [
    ...JSON.parse(box.call(['validate', '-f', 'json', bundle.dir]).stdout).problems,
    ...JSON.parse(box.call(['validate', '-f', 'json', bundle.dir]).stdout).warnings,
  ].map(({ path, suggestion }) => `${path}: ${suggestion}`)
  t.same(seen, [
    'process.rlimits[0].type: RLIMIT_NOFILE',
    'linux.namespaces[0].type: network',
    'linux.rootfsPropagation: rprivate',
    'linux.seccomp.defaultAction: SCMP_ACT_ALLOW',
    'linux.seccomp.syscalls[0].action: SCMP_ACT_ERRNO',
    'hooks.prestrat: prestart',
  ])
  const other = box.bundle(
    {
      process: { capabilities: { bounding: ['NET_ADMIN', 'CAP_KIL'] } },
      linux: {
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['opennat'], action: 'SCMP_ACT_ERRNO' }] },
      },
    },
    { name: 'other' },
  )
  const result = box.call(['validate', other.dir])
  t.equal(result.status, 0)
  t.match(result.stdout, 'bounding[0]: unknown capability "NET_ADMIN" is left out; did you mean CAP_NET_ADMIN?')
  t.match(result.stdout, 'bounding[1]: unknown capability "CAP_KIL" is left out; did you mean CAP_KILL?')
  t.match(result.stdout, 'linux.seccomp.syscalls[0].names[0]: unknown system call, skipped; did you mean openat?')
})

scenario('validate of a key that occurs twice', { skip }, (t, box) => {
  const { config } = box.bundle()
  const text = readFileSync(config, 'utf8').replace('{', '{"hostname": "first",')
  const result = box.call(['validate', box.bundle({}, { text, name: 'twice' }).dir])
  t.equal(result.status, 0)
  t.match(result.stdout, /:\d+:\d+: warning: hostname: "hostname" occurs twice, the last one counts$/m)
})

scenario('validate --format json follows docs/validate.schema.json', { skip }, (t, box) => {
  const bundle = box.bundle({ hostnam: 'x', process: { args: [] } })
  const result = box.call(['validate', '--format', 'json', bundle.dir])
  t.equal(result.status, 1)
  const schema = JSON.parse(readFileSync('docs/validate.schema.json', 'utf8'))
  const findings = JSON.parse(result.stdout)
  const { required, properties } = schema.definitions.finding
  t.same(Object.keys(findings), schema.required)
  for (const finding of [...findings.problems, ...findings.warnings]) {
    for (const key of required) t.ok(key in finding, key)
    for (const [key, value] of Object.entries(finding))
      t.match(properties[key]?.type, /string|integer/, `${key} ${value}`)
  }
  const [file, lines] = [bundle.config, readFileSync(bundle.config, 'utf8').split('\n')]
  const at = (finding: { line: number; column: number }) => lines[finding.line - 1]?.slice(finding.column - 1)
  t.match(findings.problems, [{ file, path: 'process.args', message: 'must have at least one entry' }])
  t.match(at(findings.problems[0]), /^\[\]/)
  t.match(findings.warnings, [{ file, path: 'hostnam', message: 'unknown property', suggestion: 'hostname' }])
  t.match(at(findings.warnings[0]), /^"hostnam"/)
})

scenario('validate looks at the host although the config breaks a rule', { skip }, (t, box) => {
  const bundle = box.bundle({
    hooks: { poststart: [{ path: '/nowhere' }, { path: 'relative' }] },
    linux: { namespaces: [{ type: 'uts' }, { type: 'mount' }, { type: 'mount' }] },
  })
  const { problems } = JSON.parse(box.call(['validate', '--format', 'json', bundle.dir]).stdout)
  const seen = problems.map(({ path }: { path: string }) => path)
  t.same(seen, ['linux.namespaces[2].type', 'hooks.poststart[0].path', 'hooks.poststart[1].path'])
})

scenario('validate of a directory that is no bundle', { skip }, (t, box) => {
  const result = box.call(['validate', join(box.dir, 'nowhere')])
  t.equal(result.status, 1)
  t.match(result.stderr, /nowhere/)
})
