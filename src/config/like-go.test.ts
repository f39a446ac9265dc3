import t from 'tap'
import { formatProblem, type RuntError } from '../errors.ts'
import { parseConfig, validateConfig } from './parse-config.ts'

const config = (members: string): string => `{"ociVersion": "1.0.0", "root": {"path": "/"}, ${members}}`

function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'c')
    return []
  } catch (error) {
    return ((error as RuntError).problems ?? []).map(formatProblem)
  }
}

const warningsOf = (text: string): string[] => validateConfig(text, 'c').warnings.map(formatProblem)

t.test('of several spellings the exact one counts, or else the last', (t) => {
  const hostname = (members: string) => parseConfig(config(members), 'c').config.hostname
  const uts = '"linux": {"namespaces": [{"type": "uts"}]}'
  t.equal(hostname(`${uts}, "HOSTNAME": "a", "hostname": "b", "Hostname": "c"`), 'b')
  t.equal(hostname(`${uts}, "HOSTNAME": "a", "Hostname": "c"`), 'c')
  t.equal(hostname(`${uts}, "hostname": null, "HOSTNAME": "a"`), 'a', 'one that is null is absent')
  t.equal(hostname(`${uts}, "hostname": "", "HOSTNAME": "a"`), 'a')
  t.strictSame(warningsOf(config(`${uts}, "hostname": "a", "HOSTNAME": "b"`)), [
    'HOSTNAME: unknown property; did you mean hostname?',
  ])
  t.end()
})

t.test('what is in a member with another spelling is read as well', (t) => {
  const text = config('"Process": {"CWD": "/", "ARGS": ["x"], "User": {"UID": 7, "x": 1}, "env": null}')
  const { process } = parseConfig(text, 'c').config
  t.match(process, { cwd: '/', args: ['x'], env: [], user: { uid: 7 } })
  t.strictSame(warningsOf(text), ['process.user.x: unknown property'])
  t.strictSame(problemsOf(config('"Mounts": [{"Destination": 1}]')), ['mounts[0].destination: must be a string, not 1'])
  t.end()
})

t.test('an integer too large for a double does not keep spellings from being corrected', (t) => {
  const text = '{"OCIVersion": "1.0.0", "root": {"path": "/"}, "hostname": 1e300}'
  t.strictSame(problemsOf(text), ['hostname: must be a string, not 1e+300'])
  t.end()
})

t.test("names of JavaScript's own properties are keys like any other", (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length']
  const members = names.map((name) => `"${name}": null`).join(', ')
  t.strictSame(
    warningsOf(config(`"linux": {${members}}`)),
    names.map((name) => `linux.${name}: unknown property`),
  )
  const { annotations } = parseConfig(config('"annotations": {"__proto__": "a", "constructor": "b"}'), 'c').config
  t.strictSame(Object.entries(annotations), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
  t.strictSame(problemsOf(config('"annotations": {"a~b/c": null, "__proto__": 1}')), [
    'annotations["a~b/c"]: must not be null',
    'annotations.__proto__: must be a string, not 1',
  ])
  t.end()
})

t.test('where no other members are allowed, an unknown one is a problem', (t) => {
  const offsets = (members: string) =>
    config(
      `"linux": {"namespaces": [{"type": "time"}, {"type": "mount"}], "maskedPaths": ["x"], "timeOffsets": {${members}}}`,
    )
  const rule = 'linux.maskedPaths[0]: must be an absolute path, not "x"'
  const unknown = 'linux.timeOffsets.realtime: is unknown here: must be monotonic or boottime'
  t.strictSame(problemsOf(offsets('"realtime": null, "Boottime": {"secs": 1}')), [unknown, rule])
  t.strictSame(problemsOf(offsets('"Boottime": {"secs": 1}')), [rule])
  t.end()
})

t.test('members without effect are checked, told and removed', (t) => {
  const text = (windows: string) =>
    config(`"windows": ${windows}, "zos": null, "process": {"cwd": "/", "args": ["x"],
    "commandLine": "x", "user": {"Username": "y"}}`)
  const { config: parsed, warnings } = parseConfig(text('{"layerFolders": ["a"], "x": 1}'), 'c')
  t.strictSame(warnings.map(formatProblem), [
    'process.commandLine: ignored: it is for Windows',
    'process.user.username: ignored: it is for Windows',
    'windows: ignored: it is for Windows',
  ])
  t.notOk('windows' in parsed || 'commandLine' in (parsed.process ?? {}) || 'username' in (parsed.process?.user ?? {}))
  t.strictSame(problemsOf(text('{"layerFolders": []}')), ['windows.layerFolders: must have at least one entry'])
  t.end()
})
