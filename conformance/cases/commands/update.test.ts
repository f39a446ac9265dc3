/*
 * update: limits of a running container change, by every flag and by a document (runc-update(8)). Checks which files
 * are written, and what is refused; ../cgroup/ tests the effects.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { disk } from '../../harness/cgroup.ts'
import { needsController, needsV1 } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const sleeping = { process: { args: ['sleep', '1000'] } }

function detached(box: Box, patch: object = {}): { readonly id: string; readonly read: (file: string) => string } {
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', box.bundle({ ...sleeping, ...patch }).dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  const own = readFileSync(`/proc/${box.state(id)?.pid}/cgroup`, 'utf8')
  const read = (file: string): string => {
    const controller = file.split('.')[0] as string
    const line = own.split('\n').find((line) => line.split(':')[1]?.split(',').includes(controller))
    return readFileSync(`/sys/fs/cgroup/${controller}/${line?.split(':')[2]}/${file}`, 'utf8').trimEnd()
  }
  return { id, read }
}

const v1 = { skip: needsV1('memory') }

scenario('update by flags', v1, (t, box) => {
  const { id, read } = detached(box)
  for (const [flag, value, file, expected] of [
    ['--memory', '64M', 'memory.limit_in_bytes', '67108864'],
    ['--memory-reservation', '32m', 'memory.soft_limit_in_bytes', '33554432'],
    ['--memory-swap', '96M', 'memory.memsw.limit_in_bytes', '100663296'],
    ['--pids-limit', '7', 'pids.max', '7'],
    ['--cpu-share', '512', 'cpu.shares', '512'],
    ['--cpu-period', '50000', 'cpu.cfs_period_us', '50000'],
    ['--cpu-quota', '20000', 'cpu.cfs_quota_us', '20000'],
    ['--cpuset-cpus', '0', 'cpuset.cpus', '0'],
    ['--cpuset-mems', '0', 'cpuset.mems', '0'],
  ] as const) {
    t.match(box.call(['update', flag, value, id]), { status: 0, stdout: '', stderr: '' }, `${flag} ${value}`)
    t.equal(read(file), expected)
  }
  t.equal(read('memory.limit_in_bytes'), '67108864', 'what is not named stays')
  t.equal(box.call(['update', id, '--pids-limit', '-1']).status, 0, 'flags after the id')
  t.equal(read('pids.max'), 'max')
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const older = { runc: '1.1 takes no other case, and 0 for nothing' }

scenario('update by a JSON file', { ...v1, peers: older }, (t, box) => {
  const { id, read } = detached(box)
  const document = { memory: { limit: 33554432, swap: 67108864 }, pids: { limit: 9 }, CPU: { Cpus: '0' } }
  const result = box.call(['update', '--resources=-', id], { stdin: JSON.stringify(document) })
  t.match(result, { status: 0, stderr: '' })
  t.equal(read('memory.memsw.limit_in_bytes'), '67108864')
  t.equal(read('pids.max'), '9')
  t.equal(read('cpuset.cpus'), '0', 'names in any case, as Go reads them')
  t.equal(box.call(['update', '-r', '-', id], { stdin: '{"pids":{"limit":0}}' }).status, 0)
  t.equal(read('pids.max'), '1', '0 is a limit')
  t.equal(box.call(['update', '-r', '-', id], { stdin: '{"pids":{"limit":"many"}}' }).status, 1)
  t.equal(box.call(['update', '-r', '-', id], { stdin: '{"pids"' }).status, 1)
  t.equal(box.call(['update', '-r', '/nonexistent', id]).status, 1)
  t.equal(read('pids.max'), '1')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('limits that depend on each other, up and down', v1, (t, box) => {
  const { id, read } = detached(box)
  for (const [memory, swap] of [
    ['32M', '48M'],
    ['64M', '96M'],
    ['16M', '24M'],
    ['80M', '-1'],
    ['20M', '20M'],
  ] as const) {
    t.match(box.call(['update', '--memory', memory, '--memory-swap', swap, id]), { status: 0, stderr: '' })
    t.equal(read('memory.limit_in_bytes'), String(Number.parseInt(memory, 10) << 20), `${memory}, ${swap}`)
  }
  t.match(box.call(['update', '--memory', '-1', id]), { status: 0, stderr: '' }, 'unlimited memory is unlimited swap')
  t.match(read('memory.memsw.limit_in_bytes'), /^9223/)
  for (const [period, quota] of [
    ['100000', '50000'],
    ['10000', '5000'],
    ['1000000', '500000'],
  ] as const) {
    t.match(box.call(['update', '--cpu-period', period, '--cpu-quota', quota, id]), { status: 0, stderr: '' })
    t.same([read('cpu.cfs_period_us'), read('cpu.cfs_quota_us')], [period, quota])
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const others = { crun: 'has other words and rules', runc: 'leaves the first limit changed' }

scenario('an update that fails changes nothing', { ...v1, peers: others }, (t, box) => {
  const { id, read } = detached(box, {
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }], memory: { limit: 32 << 20 }, pids: { limit: 9 } },
    },
  })
  const failing = box.call(['update', '--pids-limit', '3', '--cpuset-cpus', '4711', id])
  t.match(failing, { status: 1, stderr: /linux\.resources\.cpu\.cpus: .*4711/ })
  t.equal(read('pids.max'), '9', 'what had been written is put back')
  t.match(box.call(['update', '--memory', '4096', id]), { status: 1, stderr: /EBUSY .* are in use/ })
  t.equal(read('memory.limit_in_bytes'), String(32 << 20))
  t.equal(box.call(['update', '--memory-swap', '40M', id]).status, 0)
  t.match(box.call(['update', '--memory', '60M', id]), { status: 1, stderr: /memory and swap together is 41943040/ })
  if (disk !== undefined) {
    const [known, unknown] = [disk, { major: 259, minor: 4711 }].map((device) => ({ ...device, rate: 1 << 20 }))
    const throttles = JSON.stringify({ blockIO: { throttleReadBpsDevice: [known, unknown] } })
    const half = box.call(['update', '-r', '-', id], { stdin: throttles })
    t.match(half, { status: 1, stderr: /throttleReadBpsDevice\[1\]/ })
    t.equal(read('blkio.throttle.read_bps_device'), '', 'the first of two throttles is taken away again')
  }
  for (const [flag, value] of [
    ['--memory', 'much'],
    ['--pids-limit', '1x'],
  ] as const) {
    t.match(box.call(['update', flag, value, id]), { status: 1, stderr: new RegExp(flag) })
  }
  const both = box.call(['update', '--pids-limit', '3', '-r', '-', id], { stdin: '{}' })
  t.equal(both.status, 1, 'flags beside a document would be lost')
  t.equal(read('pids.max'), '9')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('an update that cannot be recorded changes nothing', { ...v1, peers: others }, (t, box) => {
  const { id, read } = detached(box, {
    linux: { resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 9 } } },
  })
  const directory = join(box.root, id)
  const script = `mount --bind ${directory} ${directory} && mount -o remount,bind,ro ${directory} && exec "$@"`
  const wrap = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  const failing = box.call(['update', '--pids-limit', '3', id], { wrap })
  t.match(failing, { status: 1, stderr: /state\.json.*EROFS/ })
  t.equal(read('pids.max'), '9')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario(
  'update of a container that is paused, created, stopped',
  { skip: needsController('pids') },
  async (t, box) => {
    const id = box.id()
    t.equal(box.call(['create', '--bundle', box.bundle(sleeping).dir, id]).status, 0)
    t.equal(box.call(['update', '--pids-limit', '8', id]).status, 0, 'created')
    t.equal(box.call(['start', id]).status, 0)
    t.equal(box.call(['pause', id]).status, 0)
    t.equal(box.call(['update', '--pids-limit', '9', id]).status, 0)
    t.equal(box.state(id)?.status, 'paused', 'a paused container stays paused')
    t.equal(box.call(['resume', id]).status, 0)
    t.equal(box.call(['kill', id, 'KILL']).status, 0)
    await until(() => box.state(id)?.status === 'stopped', 'its end')
    t.equal(box.call(['update', '--pids-limit', '10', id]).status, 1)
    t.equal(box.call(['delete', id]).status, 0)
    t.match(box.call(['update', '--pids-limit', '10', id]), { status: 1, stderr: /does not exist/ })
  },
)
