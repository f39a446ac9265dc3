/*
 * The files of v1 hierarchies that linux.resources is written to (config-linux.md, Control groups), also if several
 * controllers share a hierarchy. limits.test.ts tests limits by effect.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { cgroupMounts } from '../../harness/census.ts'
import { cgroupOf, cgroupRoot } from '../../harness/cgroup.ts'
import { needsV1 } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

/** A detached container with these resources, and its files. */
function detached(box: Box, resources: Patch): { readonly id: string; readonly read: (file: string) => string } {
  const id = box.id()
  const linux = { resources: { devices: [{ allow: false, access: 'rwm' }], ...resources } }
  const bundle = box.bundle({ process: { args: ['sleep', '1000'] }, linux }, { name: id })
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  const pid = box.state(id)?.pid
  return { id, read: (file) => readFileSync(join(cgroupOf(pid, file.split('.')[0] ?? ''), file), 'utf8').trim() }
}

const older = { runc: '1.1 leaves kernelTCP and burst out', crun: '1.8 leaves burst and idle out' }

scenario('memory', { skip: needsV1('memory'), peers: older }, (t, box) => {
  const mib = (n: number): number => n << 20
  const { id, read } = detached(box, {
    memory: {
      limit: mib(64),
      reservation: mib(32),
      swap: mib(128),
      kernel: mib(48),
      kernelTCP: mib(16),
      swappiness: 30,
      disableOOMKiller: true,
      useHierarchy: true,
      checkBeforeUpdate: true,
    },
  })
  t.equal(read('memory.limit_in_bytes'), `${mib(64)}`)
  t.equal(read('memory.soft_limit_in_bytes'), `${mib(32)}`)
  // Absent without swap accounting.
  if (existsSync(join(cgroupRoot('memory'), 'memory.memsw.limit_in_bytes'))) {
    t.equal(read('memory.memsw.limit_in_bytes'), `${mib(128)}`)
  }
  t.equal(read('memory.kmem.tcp.limit_in_bytes'), `${mib(16)}`)
  t.equal(read('memory.swappiness'), '30')
  t.match(read('memory.oom_control'), /^oom_kill_disable 1/)
  t.match(read('memory.use_hierarchy'), /^1/, 'always, whatever is asked for')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('cpu', { skip: needsV1('cpu'), peers: older }, (t, box) => {
  const { id, read } = detached(box, { cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 20_000 } })
  t.equal(read('cpu.shares'), '512')
  t.equal(read('cpu.cfs_quota_us'), '50000')
  t.equal(read('cpu.cfs_period_us'), '100000')
  t.equal(read('cpu.cfs_burst_us'), '20000')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  const idle = detached(box, { cpu: { idle: 1 } })
  t.equal(idle.read('cpu.idle'), '1')
  t.equal(box.call(['update', '--cpu-idle', '0', '--cpu-share', '700', idle.id]).status, 0)
  t.equal(idle.read('cpu.shares'), '700')
  t.equal(box.call(['delete', '--force', idle.id]).status, 0)
})

scenario('net_cls and net_prio', { skip: needsV1('net_cls') || needsV1('net_prio') }, (t, box) => {
  const network = { classID: 0x10_0001, priorities: [{ name: 'lo', priority: 3 }] }
  const { id, read } = detached(box, { network })
  t.equal(read('net_cls.classid'), `${0x10_0001}`)
  t.match(read('net_prio.ifpriomap'), /^lo 3$/m)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('hugetlb', { skip: needsV1('hugetlb') }, (t, box) => {
  const { id, read } = detached(box, { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] })
  t.equal(read('hugetlb.2MB.limit_in_bytes'), `${4 << 20}`)
  t.equal(read('hugetlb.2MB.rsvd.limit_in_bytes'), `${4 << 20}`, 'what is reserved counts as well')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const joint = cgroupMounts().filter(({ controllers }) => controllers.split(',').length > 1)

scenario('controllers that share a hierarchy', { skip: joint.length === 0 && 'no joint hierarchies' }, (t, box) => {
  const { id } = detached(box, { cpu: { shares: 512 } })
  const pid = box.state(id)?.pid
  for (const { controllers } of joint) {
    const [first = '', ...others] = controllers.split(',')
    for (const other of others) t.equal(cgroupOf(pid, other), cgroupOf(pid, first), controllers)
    t.match(cgroupOf(pid, first), new RegExp(id))
  }
  const links = box.call(['exec', id, 'ls', '-l', '/sys/fs/cgroup']).stdout
  for (const { controllers } of joint)
    for (const name of controllers.split(','))
      t.match(links, new RegExp(` ${name} -> \\S*${controllers.split(',')[0]}`))
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
