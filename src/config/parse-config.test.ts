import t from 'tap'
import { formatProblem, type Problem, type RuntError } from '../errors.ts'
import { noResources } from './no-resources.ts'
import { parseConfig, parseProcess, parseResources, validateConfig } from './parse-config.ts'

function failure(run: () => unknown): RuntError {
  try {
    run()
  } catch (error) {
    return error as RuntError
  }
  throw new Error('nothing was thrown')
}

function problemsOf(text: string): string[] {
  return (failure(() => parseConfig(text, 'config.json')).problems ?? []).map(formatProblem)
}

const minimal = '{"ociVersion": "1.0.0", "root": {"path": "rootfs"}}'

t.test('a minimal config is complete', (t) => {
  const { config, warnings } = parseConfig(minimal, 'config.json')
  t.strictSame(warnings, [])
  t.strictSame(config, {
    ociVersion: '1.0.0',
    root: { path: 'rootfs', readonly: false },
    mounts: [],
    hooks: { prestart: [], createRuntime: [], createContainer: [], startContainer: [], poststart: [], poststop: [] },
    annotations: {},
    linux: {
      namespaces: [],
      uidMappings: [],
      gidMappings: [],
      timeOffsets: {},
      devices: [],
      netDevices: {},
      resources: noResources,
      sysctl: {},
      maskedPaths: [],
      readonlyPaths: [],
    },
  })
  t.end()
})

t.test('64-bit integers are bigint and exact', (t) => {
  const { config } = parseConfig(
    `{"ociVersion": "1.0.0", "root": {"path": "/"},
      "process": {"cwd": "/", "args": ["x"], "user": {"uid": 4294967295},
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 18446744073709551614, "hard": 18446744073709551615}]},
      "linux": {"resources": {"memory": {"limit": 9223372036854771712, "swap": -1}, "cpu": {"shares": 2}},
        "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_ERRNO",
          "args": [{"index": 0, "value": 9007199254740993, "op": "SCMP_CMP_EQ"}]}]}}}`,
    'config.json',
  )
  t.strictSame(config.process?.rlimits[0], {
    type: 'RLIMIT_CORE',
    soft: 18446744073709551614n,
    hard: 18446744073709551615n,
  })
  t.equal(config.process?.user.uid, 4294967295)
  t.equal(config.linux.resources.memory.limit, 9223372036854771712n)
  t.equal(config.linux.resources.memory.swap, -1n)
  t.equal(config.linux.resources.cpu.shares, 2n)
  t.strictSame(config.linux.seccomp?.syscalls[0]?.args[0], {
    index: 0,
    value: 9007199254740993n,
    valueTwo: 0n,
    op: 'SCMP_CMP_EQ',
  })
  t.end()
})

t.test('integers just out of range are named exactly', (t) => {
  const rlimits = (soft: string) =>
    `{"ociVersion": "1.0.0", "root": {"path": "/"}, "process": {"cwd": "/", "args": ["x"],
      "rlimits": [{"type": "RLIMIT_CORE", "soft": ${soft}, "hard": 18446744073709551615}]}}`
  const range = 'must be an integer from 0 to 18446744073709551615, not'
  for (const soft of ['18446744073709551616', '-1', '1.5', '-9223372036854775809']) {
    t.strictSame(problemsOf(rlimits(soft)), [`process.rlimits[0].soft: ${range} ${soft}`])
  }
  t.strictSame(problemsOf(rlimits('"7"')), [`process.rlimits[0].soft: ${range} "7"`])
  t.strictSame(
    problemsOf(
      '{"ociVersion": "1.0.0", "root": {"path": "/"}, "process": {"cwd": "/", "args": ["x"], "user": {"gid": 9007199254740993}}}',
    ),
    ['process.user.gid: must be an integer from 0 to 4294967295, not 9007199254740993'],
  )
  t.end()
})

t.test('all problems are listed at once, those of form and those of meaning', (t) => {
  const text = `{
    "ociVersion": "2.0.0",
    "process": {"args": "sh", "cwd": "tmp", "env": ["A"], "terminal": 1, "capabilities": {"bounding": [1]}},
    "mounts": [{"destination": "/x", "options": ["ro", 7]}, {}, "x"],
    "annotations": {"com.example.a": 1},
    "hostname": "x",
    "linux": {"resources": {"memory": {"limit": "1G"}}, "seccomp": {"defaultAction": "DENY"}}
  }`
  t.strictSame(problemsOf(text), [
    'root: is required',
    'mounts[0].options[1]: must be a string, not 7',
    'mounts[1].destination: is required',
    'mounts[2]: must be an object, not "x"',
    'process.terminal: must be true or false, not 1',
    'process.args: must be an array, not "sh"',
    'process.capabilities.bounding[0]: must be a string, not 1',
    'annotations["com.example.a"]: must be a string, not 1',
    'linux.resources.memory.limit: must be an integer from -9223372036854775808 to 9223372036854775807, not "1G"',
    'linux.seccomp.defaultAction: must be one of SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY, not "DENY"',
    'ociVersion: must be a version 1.x.y of the runtime-spec, not "2.0.0"',
  ])
  t.end()
})

t.test('rules are checked although another property has the wrong type', (t) => {
  t.strictSame(
    problemsOf(
      '{"ociVersion": "1.0.0", "root": {"path": 1}, "hostname": "x", "process": {"cwd": "t", "env": ["A"], "args": []}}',
    ),
    [
      'root.path: must be a string, not 1',
      'process.cwd: must be an absolute path, not "t"',
      'process.args: must have at least one entry',
      'process.env[0]: must have the form NAME=value, not "A"',
      'hostname: needs a uts namespace',
    ],
  )
  t.end()
})

t.test('the document must be an object', (t) => {
  t.strictSame(problemsOf('[]'), ['must be an object, not an array'])
  t.strictSame(problemsOf('null'), ['must be an object, not null'])
  t.end()
})

t.test('the error is one sentence that names the file', (t) => {
  const one = failure(() => parseConfig('{"ociVersion": "1.0.0"}', 'bundle/config.json'))
  t.equal(one.message, 'bundle/config.json: root: is required')
  t.equal(one.code, 'config')
  t.equal(failure(() => parseConfig('{}', 'c')).message, 'c: 2 problems: ociVersion: is required; root: is required')
  t.equal(
    failure(() => parseConfig('{\n  "ociVersion"', 'c')).message,
    "c: line 2, column 15: expected ':', the text ends",
  )
  t.end()
})

t.test('as in Go, null and the empty string are absent', (t) => {
  const { config } = parseConfig(
    '{"ociVersion": "1.0.0", "root": {"path": "/", "readonly": null}, "hostname": "", "mounts": null, "process": null, "linux": {"rootfsPropagation": "", "resources": {"memory": null}, "personality": null}}',
    'c',
  )
  t.equal(config.root.readonly, false)
  t.strictSame(config.mounts, [])
  t.notOk('hostname' in config)
  t.notOk('process' in config)
  t.notOk('rootfsPropagation' in config.linux)
  t.equal(config.linux.resources.memory.disableOOMKiller, false)
  const affinity = '{"cwd": "/", "args": ["x"], "execCPUAffinity": {"initial": "", "final": "0-1"}}'
  t.strictSame(parseProcess(affinity, 'p').process.execCPUAffinity, { final: '0-1' })
  t.strictSame(problemsOf('{"ociVersion": "1.0.0", "root": {"path": "/", "readonly": ""}}'), [
    'root.readonly: must be true or false, not ""',
  ])
  t.strictSame(
    problemsOf('{"ociVersion": "1.0.0", "root": {"path": "/"}, "annotations": {"a": null}, "mounts": [null]}'),
    ['mounts[0]: must be an object, not null', 'annotations.a: must not be null'],
  )
  t.end()
})

t.test('rules skip values of the wrong type', (t) => {
  const seccomp = (action: string) =>
    `{"ociVersion": "1.0.0", "root": {"path": "/"}, "process": {"cwd": "x", "args": ["x"], "terminal": 1},
      "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": ${action}, "errnoRet": 1}]}}}`
  t.strictSame(
    problemsOf(seccomp('{}')).map((problem) => problem.replace(/:.*/, '')),
    ['process.terminal', 'linux.seccomp.syscalls[0].action', 'process.cwd'],
  )
  t.end()
})

t.test('as in Go, keys match without regard to case', (t) => {
  const { config } = parseConfig(
    '{"OCIVersion": "1.0.0", "ROOT": {"Path": "/", "path": "/exact"}, "linux": {"resources": {"CPU": {"Shares": 5}, "hugepagelimits": [{"pagesize": "2MB", "limit": 1}]}}}',
    'c',
  )
  t.strictSame(config.root, { path: '/exact', readonly: false })
  t.strictSame(config.linux.resources.cpu, { shares: 5n })
  t.strictSame(config.linux.resources.hugepageLimits, [{ pageSize: '2MB', limit: 1n }])
  t.end()
})

t.test('unknown members are ignored with any value', (t) => {
  const { config } = parseConfig(
    `{"ociVersion": "1.0.0", "root": {"path": "/", "y": ["\\u0000"]}, "x": 18446744073709551616, "__proto__": {"path": 1},
      "constructor": null, "linux": {"resources": {"blockIO": {"z": null}}}}`,
    'c',
  )
  t.strictSame(
    config,
    { ...parseConfig(minimal, 'c').config, root: { path: '/', readonly: false } },
    'nothing of them is left',
  )
  t.end()
})

t.test('the console size counts only with a terminal', (t) => {
  const text = (terminal: boolean) =>
    `{"cwd": "/", "args": ["x"], "terminal": ${terminal}, "consoleSize": {"height": 1, "width": 2}}`
  t.strictSame(parseProcess(text(true), 'p').process.consoleSize, { height: 1n, width: 2n })
  t.equal(parseProcess(text(false), 'p').process.consoleSize, undefined)
  t.end()
})

t.test('parts have paths of their own', (t) => {
  const process = failure(() => parseProcess('{"cwd": "x", "args": []}', 'process.json'))
  t.equal(
    process.message,
    'process.json: 2 problems: cwd: must be an absolute path, not "x"; args: must have at least one entry',
  )
  const resources = failure(() => parseResources('{"pids": {"limit": -2}}', '-'))
  t.strictSame(resources.problems, [
    { path: 'pids.limit', message: 'must be -1 (no limit) or not negative, not -2' },
  ] satisfies Problem[])
  t.strictSame(parseResources('{"devices": [{"allow": true, "major": -1, "minor": 3}]}', '-').devices, [
    { allow: true, minor: 3n },
  ])
  t.end()
})

t.test('validate reports problems that a start ignores', (t) => {
  const { problems, warnings } = validateConfig(
    `{"ociVersion": "1.0.0",
      "ociVersion": "x", "root": {"path": "/", "readOnly": true, "readonly": false}, "hostnme": "x",
      "linux": {"namespace": [], "resources": {"memory": {"xyz": 1}}}, "annotations": {"any": "key"}}`,
    'c',
  )
  t.strictSame(problems.map(formatProblem), ['ociVersion: must be a version 1.x.y of the runtime-spec, not "x"'])
  t.strictSame(warnings.map(formatProblem), [
    'ociVersion: "ociVersion" occurs twice, the last one counts',
    'root.readOnly: unknown property; did you mean readonly?',
    'linux.resources.memory.xyz: unknown property',
    'linux.namespace: unknown property; did you mean namespaces?',
    'hostnme: unknown property; did you mean hostname?',
  ])
  t.end()
})
