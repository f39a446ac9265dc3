/*
 * process.cwd (config.md, "Process") and `exec --cwd`: a missing one is created by the container's root while the root is writable; one
 * that root may not enter is entered as the user.
 */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, Patch } from '../../harness/bundle.ts'
import { mountsWith } from '../../harness/bundle.ts'
import { probeBundle, probing, readReport, runProbe } from '../../harness/probe.ts'
import { scenario } from '../../harness/scenario.ts'

const FIRST = 100_000
const USER = 1000
const range: Json = { containerID: 0, hostID: FIRST, size: 65536 }
const mapped: Patch = {
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: [range],
    gidMappings: [range],
  },
}
const asUser: Json = { uid: USER, gid: USER }

for (const [name, user] of [
  ['root', { uid: 0, gid: 0 }],
  ['a user', asUser],
] as const) {
  scenario(`a missing directory is made in a read-only root, process as ${name}`, {}, (t, box) => {
    const inside = runProbe(t, box, ['process', 'stat:/made', 'stat:/made/there'], {
      root: { path: 'rootfs', readonly: true },
      process: { cwd: '/made/there', user },
    })
    t.equal(inside.pairs('process').cwd, '/made/there')
    t.match(inside.text('stat:/made'), /^dir 0755 0:0/)
    t.match(inside.text('stat:/made/there'), /^dir 0755 0:0/)
  })
}

scenario('a missing directory in a read-only root belongs to the root of a user namespace', {}, (t, box) => {
  const patch = { ...mapped, root: { path: 'rootfs', readonly: true }, process: { cwd: '/made/there', user: asUser } }
  const bundle = box.bundle(probing(['process'], patch))
  chownSync(bundle.rootfs, FIRST, FIRST)
  t.equal(probeBundle(t, box, bundle).pairs('process').cwd, '/made/there')
  t.equal(statSync(join(bundle.rootfs, 'made/there')).uid, FIRST)
})

scenario('a missing directory is made on a tmpfs that becomes read-only', {}, (t, box) => {
  const mounts = mountsWith({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['ro'] })
  const inside = runProbe(t, box, ['process'], { mounts, process: { cwd: '/tmp/a/b' } })
  t.equal(inside.pairs('process').cwd, '/tmp/a/b')
})

scenario('a working directory that only the user may enter', {}, (t, box) => {
  const patch = { ...mapped, process: { cwd: '/own', user: asUser } }
  const bundle = box.bundle(probing(['process', 'pause'], patch))
  const own = join(bundle.rootfs, 'own')
  mkdirSync(own)
  // A group without an id in the container: CAP_DAC_OVERRIDE does not apply to such files (capabilities(7)).
  chownSync(own, FIRST + USER, 7)
  chmodSync(own, 0o700)
  const id = box.id()
  const started = box.call(['run', '--detach', '--bundle', bundle.dir, id])
  t.equal(started.status, 0, 'run', { stderr: started.stderr })
  box.defer(() => box.call(['delete', '--force', id]))
  const exec = (...flags: string[]) => box.call(['exec', '--cwd', '/own', ...flags, id, '/bin/probe', 'process'])
  const inside = exec('--user', `${USER}:${USER}`)
  t.equal(inside.status, 0, 'exec', { stderr: inside.stderr })
  t.equal(readReport(inside).pairs('process').cwd, '/own')
  const denied = exec('--user', '0:0')
  t.equal(denied.status, 255)
  t.match(denied.stderr, /process\.cwd \(\/own\): chdir: EACCES/)
})

scenario('a working directory that nobody may enter is an error', {}, (t, box) => {
  const bundle = box.bundle({ ...mapped, process: { cwd: '/own/below', user: asUser } })
  const own = join(bundle.rootfs, 'own')
  mkdirSync(join(own, 'below'), { recursive: true })
  chownSync(own, FIRST + USER + 1, 7)
  chmodSync(own, 0o700)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /process\.cwd \(\/own\/below\): chdir: EACCES/)
})
