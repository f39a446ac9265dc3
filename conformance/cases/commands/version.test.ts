/*
 * --version: three lines that dockerd and podman read: "… version X", "commit: …", "spec: …".
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunt, projectRoot } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

scenario('--version', {}, (t, box) => {
  for (const flag of ['--version', '-v']) {
    const result = box.call([flag])
    t.equal(result.status, 0)
    t.match(result.stdout, /^\S+ version \S+\n/)
    t.match(result.stdout, /^commit: \S+$/m)
    t.match(result.stdout, /^spec: 1\.\d+\.\d+/m)
  }
})

scenario('--version of the package', { skip: isRunt ? false : 'another runtime' }, (t, box) => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  const lines = box.call(['--version'], { root: null }).stdout.split('\n')
  t.equal(lines[0], `runt version ${version}`)
  t.match(lines[1], /^commit: /)
  t.equal(lines[2], 'spec: 1.3.0')
})
