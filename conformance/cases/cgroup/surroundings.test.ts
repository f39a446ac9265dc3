/*
 * Unusual hierarchies on the host: empty cpusets, threaded subtrees. The container works as with runc (cpuset(7); cgroups(7),
 * Thread mode).
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupMounts } from '../../harness/census.ts'
import { cgroupRoot } from '../../harness/cgroup.ts'
import { needsV1 } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

/** Parents that a runtime creates stay, because they may be shared. */
function removeParents(box: Box, ...paths: readonly string[]): void {
  box.defer(() => {
    for (const { dir } of cgroupMounts()) for (const path of paths) if (existsSync(dir + path)) rmdirSync(dir + path)
  })
}

const shown = (stdout: string): string | undefined => /^Cpus_allowed_list:\s*(.*)$/m.exec(stdout)?.[1]

scenario('create fills in an empty parent cpuset', { skip: needsV1('cpuset'), peers: { crun: 'fails' } }, (t, box) => {
  const id = box.id()
  const outer = join(cgroupRoot('cpuset'), id)
  mkdirSync(join(outer, 'inner'), { recursive: true })
  for (const dir of [join(outer, 'inner'), outer]) {
    writeFileSync(join(dir, 'cgroup.clone_children'), '0')
    for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(dir, file), '\n')
  }
  removeParents(box, `/${id}/inner`, `/${id}`)
  const bundle = box.bundle({
    process: { args: ['cat', '/proc/self/status'] },
    linux: { cgroupsPath: `/${id}/inner/leaf` },
  })
  const result = box.call(['run', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  t.equal(shown(result.stdout), shown(readFileSync('/proc/self/status', 'utf8')), 'it has the CPUs of the host')
})

scenario(
  'a threaded subtree of v2',
  { peers: { crun: 'fails', runc: 'does not use the tree beside v1' } },
  (t, box) => {
    const id = box.id()
    const tree = cgroupRoot('')
    mkdirSync(join(tree, id, 'threads'), { recursive: true })
    writeFileSync(join(tree, id, 'threads/cgroup.type'), 'threaded')
    removeParents(box, `/${id}/threads/made`, `/${id}/threads`, `/${id}`)
    const linux = { cgroupsPath: `/${id}/threads/made/leaf` }
    const bundle = box.bundle({ process: { args: ['cat', '/proc/self/cgroup'] }, linux })
    const result = box.call(['run', '--bundle', bundle.dir, id])
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, new RegExp(`^0::/${id}/threads/made/leaf$`, 'm'))
  },
)
