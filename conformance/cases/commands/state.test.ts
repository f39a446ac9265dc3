/*
 * state: the state object of runtime.md ("State"), in runc's form: pid 0 when stopped, created in RFC 3339 with
 * nanoseconds, rootfs and owner besides.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import * as definitions from '../../../build/gen/definitions.js'
import * as validators from '../../../build/gen/validators.js'
import { decode } from '../../../src/config/decode.ts'
import { cgroupOf, setFrozen } from '../../harness/cgroup.ts'
import { probing } from '../../harness/probe.ts'
import { compiled, isRunt, projectRoot } from '../../harness/project.ts'
import { needsController, needsFile } from '../../harness/requires.ts'
import { type ContainerState, scenario, until } from '../../harness/scenario.ts'

const schemaDir = join(projectRoot, '../shared/oci')

scenario('state of a container through its life', { peers: { crun: 'keeps the pid, adds fields' } }, async (t, box) => {
  const bundle = box.bundle(probing(['wait'], { annotations: { 'org.example.key': 'a "value"\n' } }))
  const id = box.id()
  const before = Date.now()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  const created = box.call(['state', id])
  t.equal(created.stderr, '')
  const state = JSON.parse(created.stdout) as ContainerState
  t.match(state, {
    ociVersion: /^1\.\d+\.\d+/,
    id,
    status: 'created',
    bundle: bundle.dir,
    rootfs: bundle.rootfs,
    annotations: { 'org.example.key': 'a "value"\n' },
    owner: '',
  })
  t.match(String(state.created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/)
  const when = Date.parse(String(state.created))
  t.ok(when >= before - 1000 && when <= Date.now() + 1000, 'created is now')
  t.match(readFileSync(`/proc/${state.pid}/stat`, 'utf8'), new RegExp(`^${state.pid} `), 'pid is of a live process')
  t.equal(box.call(['start', id]).status, 0)
  t.match(box.state(id), { ...state, status: 'running' }, 'nothing else changes with start')
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.match(box.state(id), { ...state, status: 'stopped', pid: 0 })
  t.equal(box.call(['delete', id]).status, 0)
  t.equal(box.call(['state', id]).status, 1)
})

scenario('state prints one indented object', { peers: { crun: 'other layout' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  const text = box.call(['state', id]).stdout
  const state = JSON.parse(text)
  t.equal(text.trimEnd(), JSON.stringify(state, null, 2), 'two blanks, as runc does')
  t.same(
    Object.keys(state).slice(0, 7),
    ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created'],
    'keys in runc’s order',
  )
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('state is valid by the OCI schema', { skip: needsFile(schemaDir) }, async (t, box) => {
  const ajv = new Ajv({ strict: false })
  for (const file of readdirSync(schemaDir).filter((name) => name.endsWith('.json'))) {
    const { $schema: _, ...schema } = JSON.parse(readFileSync(join(schemaDir, file), 'utf8'))
    ajv.addSchema({ ...schema, $id: undefined, id: undefined }, file)
  }
  const check = ajv.getSchema('state-schema.json')
  const form = { validate: validators.state, definition: definitions.State }
  const problems = (id: string) => decode(JSON.parse(box.call(['state', id]).stdout), form).problems
  const bundle = box.bundle(probing(['exit:0']))
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  t.equal(check?.(box.state(id)), true, 'created', { errors: check?.errors })
  t.strictSame(problems(id), [], 'and by our own')
  t.equal(box.call(['start', id]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(check?.(box.state(id)), true, 'stopped', { errors: check?.errors })
  t.strictSame(problems(id), [])
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('state of a frozen container is paused', { skip: needsController('freezer') }, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(box.call(['start', id]).status, 0)
  await until(() => created.later().stdout.includes('ready'), 'ready')
  const pid = box.state(id)?.pid
  t.match(cgroupOf(pid, 'freezer'), id, 'the container has a freezer cgroup of its own')
  await setFrozen(pid, 'FROZEN')
  t.equal(box.state(id)?.status, 'paused')
  await setFrozen(pid, 'THAWED')
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('state of an unknown id', { peers: { crun: 'other words' } }, (t, box) => {
  const result = box.call(['state', box.id()])
  t.equal(result.status, 1)
  t.equal(result.stdout, '')
  t.match(result.stderr, /does not exist/)
})

scenario('state without an id', {}, (t, box) => {
  const result = box.call(['state'])
  t.equal(result.status, 1)
  t.not(result.stderr, '')
})

/* Its init has closed the FIFO of start, as execve(2) does, and waits in its exit for the process of exec, which a tracer holds. */
scenario(
  'a created container that is exiting is stopped',
  { skip: isRunt ? false : 'others look elsewhere' },
  async (t, box) => {
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const pidFile = join(box.dir, 'pid')
    t.match(box.call(['exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000']), { status: 0, stderr: '' })
    const holder = box.helper([compiled('aid'), 'hold', readFileSync(pidFile, 'utf8')])
    await until(() => holder.output().stdout === 'held\n', 'the tracer')
    const init = String(box.state(id)?.pid)
    t.equal(box.call(['kill', id, 'KILL']).status, 0)
    await until(() => readdirSync(`/proc/${init}/fd`).length === 0, 'init to close its files')
    t.match(readFileSync(`/proc/${init}/stat`, 'utf8'), /\) [^Z] /, 'and is no zombie')
    t.equal(box.state(id)?.status, 'stopped')
    holder.kill('SIGKILL')
    await holder.exited
    t.match(box.call(['delete', id]), { status: 0, stderr: '' })
  },
)
