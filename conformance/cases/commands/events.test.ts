/*
 * events: lines of JSON that engines read (runc-events(8)): statistics once or at intervals, a line when the container
 * runs out of memory, and an end when the container ends.
 */
import { existsSync } from 'node:fs'
import { pidsUpTo } from '../../harness/cgroup.ts'
import { needsController, needsV2 } from '../../harness/requires.ts'
import { type Box, pause, scenario, until } from '../../harness/scenario.ts'

const sleeping = (memory: object = {}): { readonly [key: string]: never } =>
  ({
    process: { args: ['sleep', '1000'] },
    linux: { resources: { devices: [{ allow: false, access: 'rwm' }], memory, ...pidsUpTo(50) } },
  }) as never

function detached(box: Box, memory: object = {}): string {
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', box.bundle(sleeping(memory)).dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  return id
}

const crun = { crun: 'has no events' }

scenario('events --stats', { peers: crun, skip: needsController('memory') }, (t, box) => {
  const id = detached(box, { limit: 64 << 20 })
  const result = box.call(['events', '--stats', id])
  t.match(result, { status: 0, stderr: '' })
  t.equal(result.stdout.split('\n').length, 2, 'one line')
  const { type, data, ...rest } = JSON.parse(result.stdout)
  t.equal(type, 'stats')
  t.same(rest, { id })
  t.same(Object.keys(data), ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces'])
  t.match(data.pids, { current: 1, limit: 50 })
  t.equal(data.memory.usage.limit, 64 << 20)
  t.ok(data.memory.usage.usage > 0)
  t.ok(data.cpu.usage.total > 0)
  if (needsV2() === false) {
    // Pressure stall information, if the kernel has it (CONFIG_PSI, psi=1).
    for (const part of [data.cpu, data.memory, data.blkio].filter(({ psi }) => psi !== undefined)) {
      t.match(part.psi, {
        some: { avg10: Number, avg60: Number, avg300: Number, total: Number },
        full: { total: Number },
      })
    }
    t.equal(data.cpu.psi !== undefined, existsSync('/proc/pressure/cpu'))
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const older = { ...crun, runc: '1.1 goes on until the cgroup is removed' }

scenario('events until the end of the container', { peers: older }, async (t, box) => {
  const id = detached(box)
  const running = box.begin(['events', '--interval', '50ms', id])
  const lines = (): readonly string[] => running.output().stdout.trimEnd().split('\n')
  await until(() => lines().length >= 3, 'three lines')
  for (const line of lines().slice(0, 3)) t.match(JSON.parse(line), { type: 'stats', id })
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  t.equal((await running.exited).status, 0, 'it ends with the container')
  t.match(box.call(['events', '--stats', id]), { status: 1, stderr: /is not running/ }, 'and there are no more')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('events reports out of memory', { peers: crun, skip: needsController('memory') }, async (t, box) => {
  const id = detached(box, { limit: 16 << 20, swap: 16 << 20 })
  const running = box.begin(['events', '--interval', '1h', id])
  // It cannot be seen from outside when the command watches, so several processes run out of memory.
  for (let tries = 0; tries < 20 && running.output().stdout === ''; tries++) {
    const hog = box.call(['exec', id, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'])
    t.equal(hog.status, 137, 'the hog is killed')
    await pause(50)
  }
  t.match(running.output().stdout, new RegExp(`^(\\{"type":"oom","id":"${id}"\\}\n)+$`))
  t.equal(box.state(id)?.status, 'running', 'the container is not')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.equal((await running.exited).status, 0)
  t.match(running.output().stdout, new RegExp(`^(\\{"type":"oom","id":"${id}"\\}\n)+$`), 'its end is no such event')
})

scenario('events rejects an invalid interval', { peers: crun }, (t, box) => {
  const id = detached(box)
  for (const word of ['0s', '-5s', '5', 'soon', '']) {
    const result = box.call(['events', `--interval=${word}`, id])
    t.equal(result.status, 1, `"${word}"`)
    t.not(result.stderr, '')
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.match(box.call(['events', id]), { status: 1, stderr: /does not exist/ })
})
