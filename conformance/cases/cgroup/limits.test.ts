/*
 * Limits by their effect, not by reading back what was written (config-linux.md, Control groups): a process that exceeds a limit is
 * stopped, and others continue. Each has a control that stays below the limit.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, type Patch } from '../../harness/bundle.ts'
import { cgroupOf, disk } from '../../harness/cgroup.ts'
import { either, needsController, needsV1, needsV2, type Skip } from '../../harness/requires.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const denyAll = { allow: false, access: 'rwm' }
const needs = (controller: string): Skip =>
  needsV2() === false ? needsController(controller === 'blkio' ? 'io' : controller) : needsV1(controller)

const noDisk: Skip = disk === undefined ? 'the scratch directory is on no disk' : false

/** Runs a shell command under limits, in the foreground. */
function under(box: Box, resources: object, command: string, patch: Patch = {}): Result {
  const id = box.id()
  const linux = { resources: { devices: [denyAll], ...resources } }
  const bundle = box.bundle({ process: { args: ['sh', '-c', command] }, linux, ...patch } as Patch, { name: id })
  return box.call(['run', '--bundle', bundle.dir, id])
}

scenario('memory: the kernel kills a process above the limit', { skip: needs('memory') }, (t, box) => {
  const hog = 'dd if=/dev/zero of=/dev/null bs=96M count=1 2>/dev/null; echo status $?'
  const memory = { limit: 32 << 20, swap: 32 << 20 }
  t.match(under(box, { memory }, hog), { status: 0, stdout: 'status 137\n' }, 'the hog, and not the shell')
  const roomy = { limit: 256 << 20, swap: 256 << 20 }
  t.match(under(box, { memory: roomy }, hog), { status: 0, stdout: 'status 0\n' }, 'with room for it')
})

scenario('memory: the container ends if its init exceeds the limit', { skip: needs('memory') }, (t, box) => {
  const memory = { limit: 32 << 20, swap: 32 << 20 }
  const result = under(box, { memory }, 'exec dd if=/dev/zero of=/dev/null bs=96M count=1')
  t.equal(result.status, 137, 'ends like one killed')
})

scenario('pids: a fork bomb stops at the limit', { skip: needs('pids') }, (t, box) => {
  const bomb = 'i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i+1)); done; echo all'
  const bombed = under(box, { pids: { limit: 20 } }, bomb)
  t.not(bombed.status, 0)
  t.match(bombed.stderr, /fork/)
  t.match(under(box, { pids: { limit: 100 } }, bomb), { status: 0, stdout: 'all\n' })
})

for (const kinds of [[], ['user'], ['user', 'time'], ['time']]) {
  const name = kinds.length === 0 ? 'no namespace more' : kinds.join(' and ')
  scenario(
    `pids: a limit of one task, with ${name}`,
    { skip: needs('pids'), peers: { crun: 'writes 0' } },
    (t, box) => {
      const mappings = [{ containerID: 0, hostID: 0, size: 65536 }]
      const namespaces = [...defaultConfig.linux.namespaces, ...kinds.map((type) => ({ type }))]
      const ids = kinds.includes('user') ? { uidMappings: mappings, gidMappings: mappings } : {}
      for (const limit of [0, 1]) {
        const resources = { devices: [denyAll], pids: { limit } }
        const { dir } = box.bundle(
          { process: { args: ['sleep', '1000'] }, linux: { namespaces, resources, ...ids } },
          { name: `limit-${limit}` },
        )
        const id = box.id()
        const created = box.call(['create', '--bundle', dir, id])
        t.equal(created.status, 0, created.stderr)
        t.equal(readFileSync(join(cgroupOf(box.state(id)?.pid, 'pids'), 'pids.max'), 'utf8'), '1\n')
        t.equal(box.call(['start', id]).status, 0)
        t.equal(box.call(['delete', '--force', id]).status, 0)
        const script = { process: { args: ['sh', '-c', 'sleep 0 & wait; echo forked'] } }
        const forking = box.bundle(
          { ...script, linux: { namespaces, resources, ...ids } },
          { name: `forking-${limit}` },
        )
        const result = box.call(['run', '--bundle', forking.dir, box.id()])
        t.notMatch(result.stdout, 'forked')
        t.match(result.stderr, /can't fork/, 'the container is limited')
      }
    },
  )
}

scenario('devices: one that is not allowed cannot be opened', { skip: needs('devices') }, (t, box) => {
  const caps = ['CAP_MKNOD']
  const patch = {
    root: { path: 'rootfs', readonly: false },
    process: {
      args: ['sh', '-c', 'mknod /tmp/full c 1 7; mknod /tmp/fuse c 10 229; head -c1 /tmp/full | wc -c; : </tmp/fuse'],
      capabilities: { bounding: caps, effective: caps, permitted: caps },
    },
  }
  const run = (devices: readonly object[]): Result => {
    const id = box.id()
    const bundle = box.bundle({ ...patch, linux: { resources: { devices } } } as Patch, { name: id })
    return box.call(['run', '--bundle', bundle.dir, id])
  }
  t.match(run([denyAll]), { status: 1, stdout: '1\n', stderr: /Operation not permitted/ }, 'a default device can be')
  const allow = { allow: true, type: 'c', major: 10, minor: 229, access: 'r' }
  t.notMatch(run([denyAll, allow]).stderr, /Operation not permitted/, 'one that a rule allows can be')
  t.match(run([allow, denyAll]).stderr, /Operation not permitted/, 'rules count in their order')
  t.match(
    run([denyAll, { ...allow, access: 'w' }]).stderr,
    /Operation not permitted/,
    'and only for the access they name',
  )
})

scenario('blkio: a throttle slows direct writes', { skip: either(needs('blkio'), noDisk) }, (t, box) => {
  // Three times the bytes that the throttle allows in a second: without it the disk takes a moment.
  const rate = 1 << 20
  const write = (throttle: object): { status: number; ms: number; stderr: string } => {
    const id = box.id()
    const blockIO = throttle as never
    const bundle = box.bundle(
      {
        root: { path: 'rootfs', readonly: false },
        process: { args: ['dd', 'if=/dev/zero', 'of=/file', 'bs=64k', `count=${(3 * rate) >> 16}`, 'oflag=direct'] },
        linux: { resources: { devices: [denyAll], blockIO } },
      },
      { name: id },
    )
    const start = performance.now()
    const { status, stderr } = box.call(['run', '--bundle', bundle.dir, id])
    return { status, ms: performance.now() - start, stderr }
  }
  const throttleWriteBpsDevice = [{ ...disk, rate }]
  const slow = write({ throttleWriteBpsDevice })
  t.equal(slow.status, 0, slow.stderr)
  t.ok(slow.ms > 1500, `3 MB at 1 MB/s took ${Math.round(slow.ms)} ms`)
})

const leaky = { crun: '1.8 leaves cgroups after a failure' }

scenario('cpuset: processes run on the CPUs that are named', { skip: needs('cpuset'), peers: leaky }, (t, box) => {
  const shown = /^Cpus_allowed_list:\s*(.*)$/m
  const last = /(\d+)$/.exec(shown.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '')?.[1] ?? '0'
  for (const cpus of ['0', last]) {
    const result = under(box, { cpu: { cpus, mems: '0' } }, 'cat /proc/self/status')
    t.equal(shown.exec(result.stdout)?.[1], cpus)
  }
  t.equal(under(box, { cpu: { cpus: '4711' } }, 'true').status, 1, 'a CPU that is not there is an error')
})

const stuck = { crun: '1.8 cannot lower memory and swap together' }

scenario('update changes what a running container gets', { skip: needs('memory'), peers: stuck }, (t, box) => {
  const id = box.id()
  const memory = { limit: 256 << 20, swap: 256 << 20 }
  const resources = { devices: [denyAll], memory, pids: { limit: 50 } }
  const bundle = box.bundle({ process: { args: ['sleep', '1000'] }, linux: { resources } } as never)
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  const hog = (): number => box.call(['exec', id, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=96M', 'count=1']).status
  const tree = (): number => box.call(['exec', id, 'sh', '-c', 'sleep 0 & sleep 0 & sleep 0 & wait']).status
  t.equal(hog(), 0)
  t.equal(tree(), 0)
  t.equal(box.call(['update', '--memory', '32M', '--memory-swap', '32M', '--pids-limit', '3', id]).status, 0)
  t.equal(hog(), 137)
  t.not(tree(), 0)
  t.equal(box.call(['update', '--memory', '256M', '--memory-swap', '256M', '--pids-limit', '50', id]).status, 0)
  t.equal(hog(), 0, 'and back')
  t.equal(tree(), 0)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
