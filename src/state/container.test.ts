/*
 * Records and what is derived from them, with real files and processes, through the addon.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { native } from '../entry/node.ts'
import { findContainer, loadContainer, salvageRecord } from './load-container.ts'
import { type ContainerRecord, encodeRecord, parseRecord } from './record.ts'
import { stateObject } from './state-object.ts'
import { containerStatus } from './status.ts'

const record: ContainerRecord = {
  ociVersion: '1.3.0',
  id: 'c',
  pid: 0,
  startTime: '',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-11-21T09:00:00.123456789Z',
  owner: 'root',
  annotations: {},
  cgroups: {},
  pidNamespace: 'own',
  hooks: { poststart: [], poststop: [] },
  startSteps: { first: 0, steps: [] },
}

function stateRoot(t: Test): { readonly root: string; readonly directory: string } {
  const root = mkdtempSync(join(tmpdir(), 'runt-state-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'c'))
  return { root, directory: join(root, 'c') }
}

async function sleeper(t: Test): Promise<Pick<ContainerRecord, 'pid' | 'startTime'> & { end: () => Promise<void> }> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const gone = new Promise<void>((done) => child.on('exit', () => done()))
  const pid = child.pid ?? 0
  const startTime = native.processStatus(pid)?.startTime ?? ''
  return {
    pid,
    startTime,
    end: () => {
      child.kill('SIGKILL')
      return gone
    },
  }
}

t.test('status', async (t) => {
  const { directory } = stateRoot(t)
  const freezer = mkdtempSync(join(tmpdir(), 'runt-freezer-'))
  t.teardown(() => rmSync(freezer, { recursive: true, force: true }))
  t.equal(containerStatus(native, directory, record), 'creating')
  const { pid, startTime, end } = await sleeper(t)
  const alive = { ...record, pid, startTime, cgroups: { freezer } }
  t.equal(containerStatus(native, directory, alive), 'running')
  writeFileSync(join(directory, 'start.fifo'), '')
  t.equal(containerStatus(native, directory, alive), 'created')
  writeFileSync(join(freezer, 'freezer.state'), 'THAWED\n')
  t.equal(containerStatus(native, directory, alive), 'created')
  writeFileSync(join(freezer, 'freezer.state'), 'FREEZING\n')
  t.equal(containerStatus(native, directory, alive), 'paused')
  writeFileSync(join(freezer, 'cgroup.freeze'), '1\n')
  t.equal(containerStatus(native, directory, { ...alive, cgroups: { '': freezer } }), 'paused', 'on v2')
  t.equal(containerStatus(native, directory, { ...alive, startTime: '1' }), 'stopped', 'the pid is another process’s')
  await end()
  t.equal(containerStatus(native, directory, alive), 'stopped')
})

t.test('a zombie is stopped', async (t) => {
  const { directory } = stateRoot(t)
  // The shell becomes a program that does not reap its child, which is a zombie until that program ends.
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => parent.kill('SIGKILL'))
  const pid = await new Promise<number>((done) => parent.stdout.once('data', (line) => done(Number(line))))
  for (let i = 0; i < 1000 && native.processStatus(pid)?.state !== 'Z'; i++) native.sleep(2)
  const status = native.processStatus(pid)
  t.equal(status?.state, 'Z')
  const zombie = { ...record, pid, startTime: status?.startTime ?? '' }
  t.equal(containerStatus(native, directory, zombie), 'stopped')
})

t.test('a record can be saved and loaded', async (t) => {
  t.same(parseRecord(encodeRecord(record)), record)
  for (const text of ['', '{', '[]', 'null', '{"id":"c"}']) t.throws(() => parseRecord(text), text)
})

t.test('entries of a state root', async (t) => {
  const { root, directory } = stateRoot(t)
  const put = (name: string, text: string) => writeFileSync(join(directory, name), text)
  t.same(findContainer(native, root, 'none'), { kind: 'none' })
  t.throws(() => loadContainer(native, root, 'none'), {
    code: 'state',
    message: `container does not exist in ${root} (see --root)`,
  })
  t.throws(() => findContainer(native, root, '../c'), { code: 'usage' })
  t.match(findContainer(native, root, 'c'), { kind: 'broken', reason: 'no state.json' })
  t.equal(salvageRecord(native, directory), undefined)
  put('launch.json', encodeRecord(record))
  t.match(findContainer(native, root, 'c'), { kind: 'container', record: { pid: 0 } })
  put('state.json', encodeRecord({ ...record, pid: 7 }))
  t.match(findContainer(native, root, 'c'), { kind: 'container', record: { pid: 7 } })
  put('state.json', encodeRecord(record).slice(0, 40))
  t.match(findContainer(native, root, 'c'), { kind: 'broken', reason: /^state\.json: / })
  t.throws(() => loadContainer(native, root, 'c'), { message: /state\.json.*runt delete --force c/ })
  t.match(salvageRecord(native, directory), { pid: 0 }, 'the record of before the launch is left')
  put('state.json', '')
  t.match(findContainer(native, root, 'c'), { kind: 'broken', reason: 'state.json is empty' })
})

t.test('the state object', async (t) => {
  t.same(Object.keys(stateObject(record, 'creating')), [
    'ociVersion',
    'id',
    'pid',
    'status',
    'bundle',
    'rootfs',
    'created',
    'owner',
  ])
  const named = { ...record, pid: 7, annotations: { a: 'b' } }
  t.match(stateObject(named, 'running'), { pid: 7, annotations: { a: 'b' } })
  t.equal(stateObject(named, 'stopped').pid, 0)
})
