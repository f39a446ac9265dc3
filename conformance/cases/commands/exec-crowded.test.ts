/*
 * exec in a container at its limit of processes (linux.resources.pids.limit): moving a process to the cgroup is not limited, only
 * fork(2) is (cgroup-v1/pids.rst; cgroup-v2.rst, "PID"). It works with crun, and mostly with runc: such a container needs a debugging shell.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { cgroupOf, pidsUpTo } from '../../harness/cgroup.ts'
import { onTerminal } from '../../harness/console.ts'
import { needsController } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const skip = needsController('pids')
const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
const userNamespace: Patch = {
  namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
  uidMappings: range,
  gidMappings: range,
}

function crowded(box: Box, limit: number, script: string, linux: Patch = {}, process: Patch = {}): string {
  const id = box.id()
  const patch = {
    process: { args: ['/bin/sh', '-c', script], ...process },
    linux: { ...linux, resources: { ...pidsUpTo(limit), devices: [{ allow: false, access: 'rwm' }] } },
  }
  const { status, stderr } = box.call([
    'run',
    '--detach',
    '--bundle',
    box.bundle(patch, { name: `bundle-${id}` }).dir,
    id,
  ])
  if (status !== 0) throw new Error(stderr)
  box.defer(() => box.call(['delete', '--force', id]))
  return id
}

const pidsFile = (box: Box, id: string, name: string): string =>
  readFileSync(join(cgroupOf(box.state(id)?.pid, 'pids'), name), 'utf8').trim()

const own = '/proc/self/cgroup'

const kinds: readonly (readonly [string, Patch, Patch?])[] = [
  ['', {}],
  [' of a user namespace', userNamespace],
  [" of the host's pid namespace", { namespaces: [{ type: 'mount' }, { type: 'uts' }] }],
  [' with a scheduler', {}, { scheduler: { policy: 'SCHED_BATCH' } }],
]

for (const [kind, linux, process] of kinds) {
  for (const limit of [1, 2]) {
    scenario(`exec into a container${kind} with all of its ${limit} processes`, { skip }, async (t, box) => {
      const script = limit === 1 ? 'exec sleep 1000' : 'sleep 1000 & exec sleep 1000'
      const id = crowded(box, limit, script, linux, process)
      await until(() => pidsFile(box, id, 'pids.current') === String(limit), 'its processes')
      const of = readFileSync(`/proc/${box.state(id)?.pid}/cgroup`, 'utf8')
      const result = box.call(['exec', id, '/bin/cat', own])
      t.match(result, { status: 0, stderr: '' })
      t.equal(result.stdout, of, 'it is in each of the cgroups')
      t.match(
        box.call(['exec', id, '/bin/sh', '-c', '/bin/true; echo not reached']),
        { stderr: /can't fork/ },
        'limited',
      )
      t.equal(pidsFile(box, id, 'pids.current'), String(limit), 'nothing stays')
    })
  }
}

scenario('exec on a terminal into a container without room', { skip }, async (t, box) => {
  const id = crowded(box, 1, 'exec sleep 1000')
  await until(() => pidsFile(box, id, 'pids.current') === '1', 'its process')
  const result = box.call(['exec', '--tty', id, '/bin/cat', own], { wrap: onTerminal(24, 80) })
  t.match(result, { status: 0, stdout: new RegExp(id) })
})

scenario('exec of more processes than the limit', { skip }, async (t, box) => {
  const id = crowded(box, 1, 'exec sleep 1000')
  for (let n = 0; n < 3; n++) {
    t.match(box.call(['exec', '--detach', id, '/bin/sleep', '1000']), { status: 0 })
  }
  t.equal(pidsFile(box, id, 'pids.current'), '4')
})
