/*
 * features: the features structure of features.md. Engines read two versions, "rro" among the mount options, idmap; the
 * whole must be valid by the schema and the same for each call.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import * as definitions from '../../../build/gen/definitions.js'
import * as validators from '../../../build/gen/validators.js'
import { decode } from '../../../src/config/decode.ts'
import { projectRoot } from '../../harness/project.ts'
import { needsFile } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const schemaDir = join(projectRoot, '../shared/oci')

scenario('features', { peers: { crun: 'since 1.9' } }, (t, box) => {
  const result = box.call(['features'])
  t.equal(result.status, 0, result.stderr)
  const features = JSON.parse(result.stdout)
  t.match(features, { ociVersionMin: /^1\.0\.0/, ociVersionMax: /^1\.\d+\.\d+/ })
  t.same([...features.hooks].sort(), [
    'createContainer',
    'createRuntime',
    'poststart',
    'poststop',
    'prestart',
    'startContainer',
  ])
  for (const option of ['ro', 'rw', 'bind', 'rbind', 'nosuid', 'noexec', 'nodev', 'relatime', 'rprivate', 'rslave']) {
    t.ok(features.mountOptions.includes(option), `mount option ${option}`)
  }
  for (const type of ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']) {
    t.ok(features.linux.namespaces.includes(type), `namespace ${type}`)
  }
  t.ok(features.linux.capabilities.includes('CAP_SYS_ADMIN') && features.linux.capabilities.includes('CAP_BPF'))
  t.match(features.linux.cgroup, { v1: true, v2: true })
  t.match(features.linux.seccomp, { enabled: true })
  for (const action of ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS']) {
    t.ok(features.linux.seccomp.actions.includes(action), action)
  }
  t.equal(box.call(['features']).stdout, result.stdout, 'the same every time')
})

scenario(
  'features is valid by the OCI schema',
  {
    skip: needsFile(schemaDir),
    peers: { crun: 'since 1.9' },
  },
  (t, box) => {
    const ajv = new Ajv({ strict: false })
    for (const file of readdirSync(schemaDir).filter((name) => name.endsWith('.json'))) {
      const { $schema: _, ...schema } = JSON.parse(readFileSync(join(schemaDir, file), 'utf8'))
      ajv.addSchema({ ...schema, $id: undefined, id: undefined }, file)
    }
    const check = ajv.getSchema('features-schema.json')
    const text = box.call(['features']).stdout
    t.equal(check?.(JSON.parse(text)), true, 'valid', { errors: check?.errors })
    const form = { validate: validators.features, definition: definitions.Features }
    t.strictSame(decode(JSON.parse(text), form).problems, [], 'and by our own')
  },
)

scenario(
  'features lists what the command line offers',
  { peers: { crun: 'since 1.9', runc: 'no idmap in 1.1' } },
  (t, box) => {
    const features = JSON.parse(box.call(['features']).stdout)
    t.ok(features.mountOptions.includes('rro'), 'dockerd and CRI-O look for it')
    t.type(features.linux.mountExtensions?.idmap?.enabled, 'boolean')
    t.equal(features.ociVersionMax.startsWith('1.3'), true)
  },
)
