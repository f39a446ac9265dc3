/*
 * Cgroups that cannot be created, and limits that make no sense: each is one error that names the path or the property,
 * and nothing is left behind (the framework's leak check). ../bad-input.test.ts has limits of a wrong form.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Json, Patch } from '../../harness/bundle.ts'
import { cgroupMounts } from '../../harness/census.ts'
import { cgroupRoot, pidsUpTo } from '../../harness/cgroup.ts'
import { isRunt } from '../../harness/project.ts'
import { needsController, needsV1, needsV2 } from '../../harness/requires.ts'
import { type Box, type CallOptions, scenario } from '../../harness/scenario.ts'

const denyAll = { allow: false, access: 'rwm' }

/** A `create` that must fail, with an error of one line that matches all patterns. */
function refused(t: Test, box: Box, linux: Patch, patterns: readonly RegExp[], options: CallOptions = {}): void {
  const id = box.id()
  const bundle = box.bundle({ linux: { resources: { devices: [denyAll] }, ...linux } }, { name: `b${id}` })
  const result = box.call(['create', '--bundle', bundle.dir, id], options)
  t.equal(result.status, 1, JSON.stringify(linux))
  if (isRunt) for (const pattern of patterns) t.match(result.stderr, pattern)
  if (isRunt) t.match(result.stderr, /^runt create [^\n]*\n$/, 'one line')
  t.equal(existsSync(join(box.root, id)), false, 'no state directory')
}

const resources = (patch: Patch): Patch => ({ resources: { devices: [denyAll], ...patch } })
const others = { runc: 'has other words and rules', crun: 'has other words and rules' }

scenario('a cgroupsPath that leaves its parent is an error', { peers: others }, (t, box) => {
  for (const cgroupsPath of ['..', '../out', '/..', '/../../out', '/a/../b', 'a/..', '/', '.', '/./']) {
    const pattern = cgroupsPath.includes('..')
      ? /linux\.cgroupsPath: ".*" must not have "\.\."/
      : /names the root cgroup/
    refused(t, box, { cgroupsPath }, [pattern])
  }
  const id = box.id()
  const bundle = box.bundle({ linux: { cgroupsPath: `/./${id}//b..c/...` } })
  t.equal(box.call(['run', '--bundle', bundle.dir, id]).status, 0, 'dots that are names')
  for (const { dir } of cgroupMounts()) {
    for (const path of [`${id}/b..c`, id]) if (existsSync(join(dir, path))) rmdirSync(join(dir, path))
  }
})

scenario('a parent that is a file', { peers: others }, (t, box) => {
  const file = needsV1('pids') === false ? 'cgroup.procs' : 'cgroup.controllers'
  refused(t, box, { cgroupsPath: `/${file}/below` }, [/linux\.cgroupsPath/, /ENOTDIR|EEXIST/, new RegExp(file)])
})

scenario('a cgroup limit without its hierarchy is an error', { skip: needsV1('devices'), peers: others }, (t, box) => {
  // In a mount namespace where the controller is unmounted.
  const without = (controller: string): CallOptions => {
    const { dir } = cgroupMounts().find(({ controllers }) => controllers.split(',').includes(controller)) ?? { dir: '' }
    const script = `umount -l ${dir} && exec "$@"`
    return { wrap: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'] }
  }
  const memory = resources({ memory: { limit: 64 << 20 } })
  const missing = /linux\.resources\.memory\.limit: the memory controller is not available on this host \(cgroup v1\)/
  refused(t, box, memory, [missing], without('memory'))
  refused(
    t,
    box,
    resources({ cpu: { shares: 2 } }),
    [/linux\.resources\.cpu\.shares: the cpu controller/],
    without('cpu'),
  )
})

scenario('no hierarchy at all', { peers: others }, (t, box) => {
  const script =
    'for m in $(awk \'$0 ~ / - cgroup2? / {print $5}\' /proc/self/mountinfo); do umount -l $m; done; exec "$@"'
  const wrap = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  refused(t, box, {}, [/linux\.cgroupsPath: no cgroup hierarchy is mounted/], { wrap })
})

scenario('unknown controllers and keys are errors', { peers: others }, (t, box) => {
  const unified = (key: string): Patch => resources({ unified: { [key]: '1' } })
  if (needsV2() === false) {
    refused(t, box, unified('warp.max'), [/linux\.resources\.unified\["warp\.max"\]: controller "warp" not available/])
    if (needsController('pids') === false)
      refused(t, box, unified('pids.nosuch'), [/linux\.resources\.unified\["pids\.nosuch"\]: .*pids\.nosuch: ENOENT/])
  } else {
    refused(t, box, unified('pids.max'), [/linux\.resources\.unified: invalid configuration: cannot use unified/])
  }
  refused(t, box, unified('../pids.max'), [
    /linux\.resources\.unified: "\.\.\/pids\.max" is not the name of a cgroup file/,
  ])
  const network = { priorities: [{ name: 'no such interface', priority: 1 }] }
  refused(t, box, resources({ network }), [/linux\.resources\.network\.priorities\[0\]: .*(net_prio|ifpriomap)/])
  refused(t, box, resources({ rdma: { mlx9_9: { hcaHandles: 1 } } }), [
    /linux\.resources\.rdma/,
    /rdma controller|mlx9_9/,
  ])
  refused(t, box, resources({ blockIO: { leafWeight: 10 } }), [/leafWeight: .* no leaf weights since Linux 5\.0/])
})

scenario('device rules of the wrong form', { peers: others }, (t, box) => {
  const cases: readonly (readonly [Json, RegExp])[] = [
    [{ allow: true, type: 'z', access: 'r' }, /devices\[0\]\.type/],
    [{ allow: true, type: 'c', major: -2, access: 'r' }, /devices\[0\]\.major: must not be negative/],
    [{ allow: true, type: 'c', major: 1, minor: 'all', access: 'r' }, /devices\[0\]\.minor/],
    [{ allow: true, type: 'c', access: 'rwx' }, /devices\[0\]\.access: must consist of r, w and m, not "rwx"/],
    [{ type: 'c', access: 'r' }, /devices\[0\]\.allow/],
    ['c 1:3 rwm', /devices\[0\]/],
  ]
  for (const [rule, pattern] of cases) refused(t, box, { resources: { devices: [rule] } }, [pattern])
})

scenario('missing block devices are errors', { skip: needsController('blkio'), peers: others }, (t, box) => {
  const throttle = { throttleReadBpsDevice: [{ major: 259, minor: 4711, rate: 1000 }] }
  refused(t, box, resources({ blockIO: throttle }), [/throttleReadBpsDevice\[0\]: .*"259:4711 .*: ENODEV/])
})

scenario('a limit below what is in use', { skip: needsController('memory'), peers: others }, (t, box) => {
  const id = box.id()
  const bundle = box.bundle({
    process: { args: ['sleep', '1000'] },
    linux: resources({ memory: { limit: 64 << 20, checkBeforeUpdate: true } }),
  })
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  const update = box.call(['update', '--memory', '4k', id])
  t.match(update, { status: 1, stderr: /memory\.limit: .*(rejecting memory limit 4096 <= usage|EBUSY.* are in use)/ })
  t.equal(box.state(id)?.status, 'running', 'and nobody is killed for it')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('a cgroup of another container', { peers: { runc: '1.1 only warns', crun: 'shares it' } }, (t, box) => {
  const [first, second] = [box.id(), box.id()]
  const patch = { process: { args: ['sleep', '1000'] }, linux: { cgroupsPath: `/${first}` } }
  const bundle = box.bundle(patch)
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, first]).status, 0)
  refused(t, box, { cgroupsPath: `/${first}` }, [/container's cgroup is not empty: 1 process\(es\) found in/])
  t.equal(box.state(first)?.status, 'running')
  t.equal(box.call(['kill', first, 'KILL']).status, 0)
  while (box.state(first)?.status === 'running');
  // Its cgroups are empty now: another container may use them, and must not be killed with the first.
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, second]).status, 0)
  const busy = box.call(['delete', first])
  t.match(busy, { status: 1, stderr: new RegExp(`still in it: ${box.state(second)?.pid} \\(sleep\\)`) })
  t.match(busy.stderr, new RegExp(`cgroup /[^ ]*/${first}: `), 'which cgroup it is')
  t.equal(box.state(second)?.status, 'running')
  t.equal(box.call(['delete', '--force', second]).status, 0)
  t.equal(box.call(['delete', first]).status, 0)
})

scenario('a user without write permission for the cgroup gets an error', { peers: others }, (t, box) => {
  const parent = join(cgroupRoot('pids'), box.id())
  mkdirSync(parent)
  box.defer(() => rmdirSync(parent))
  const id = box.id()
  const linux = { cgroupsPath: `${parent.slice(cgroupRoot('pids').length)}/x`, ...resources(pidsUpTo(5)) }
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }))
  const map = [{ containerID: 0, hostID: 4711, size: 1 }]
  const bundle = box.bundle({ linux: { ...linux, namespaces, uidMappings: map, gidMappings: map } })
  const root = join(box.dir, 'other')
  mkdirSync(root)
  writeFileSync(join(box.dir, 'own'), '')
  const wrap = [
    'sh',
    '-c',
    `chown -R 4711:4711 ${root} && exec setpriv --reuid 4711 --regid 4711 --clear-groups "$@"`,
    'sh',
  ]
  const result = box.call(['create', '--bundle', bundle.dir, id], { wrap, root })
  t.match(result, { status: 1, stderr: /linux\.cgroupsPath: .*: (EACCES|EPERM|ENOENT)/ })
  t.same(readdirSync(root), [], 'no state is left')
})
