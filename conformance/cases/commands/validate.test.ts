/*
 * validate: lists every problem of a config with its path, and changes nothing. One run must be enough to repair
 * a config.
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
  t.same(readdirSync(box.root), [])
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
  t.match(result.stdout, /^warning: hostnam: unknown property; did you mean hostname\?$/m)
  t.match(result.stdout, /^warning: root\.readOnly: unknown property; did you mean readonly\?$/m)
  t.match(result.stdout, /^warning: linux\.maskedPath: unknown property; did you mean maskedPaths\?$/m)
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).stderr, '', 'run says nothing of them')
})

scenario('validate of a key that occurs twice', { skip }, (t, box) => {
  const { config } = box.bundle()
  const text = readFileSync(config, 'utf8').replace('{', '{"hostname": "first",')
  const result = box.call(['validate', box.bundle({}, { text, name: 'twice' }).dir])
  t.equal(result.status, 0)
  t.match(result.stdout, /^warning: line \d+: "hostname" occurs twice, the last one counts$/m)
})

scenario('validate of a directory that is no bundle', { skip }, (t, box) => {
  const result = box.call(['validate', join(box.dir, 'nowhere')])
  t.equal(result.status, 1)
  t.match(result.stderr, /nowhere/)
})
