/*
 * linux.intelRdt (config-linux.md, "IntelRdt"). Without RDT in the processor, a directory simulates resctrl: the runtime sees a mountinfo
 * of the test's, with a resctrl mount. The kernel's behaviour is not simulated, so classes already exist.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { type Box, type CallOptions, scenario } from '../../harness/scenario.ts'

const peers = { runc: '1.1 has no way to be shown this tree', crun: 'looks elsewhere' }
const withRdt = (intelRdt: Patch, patch: Patch = {}): Patch => ({ linux: { intelRdt }, ...patch })

/** A tree with the class `gold`, and a prefix that makes the runtime see it. */
function makeResctrl(box: Box): { tree: string; see: CallOptions } {
  const tree = join(box.dir, 'resctrl')
  for (const group of ['gold', 'gold/mon_groups']) mkdirSync(join(tree, group), { recursive: true })
  for (const group of ['', 'gold']) {
    writeFileSync(join(tree, group, 'tasks'), '')
    writeFileSync(join(tree, group, 'schemata'), '    MB:0= 20\n    L3:0=00f\n')
  }
  const mountinfo = join(box.dir, 'mountinfo')
  const line = `9999 1 0:999 / ${tree} rw,relatime - resctrl resctrl rw\n`
  writeFileSync(mountinfo, line)
  // The mountinfo of the new namespace: mount ids differ there.
  const command = `cat /proc/$$/mountinfo >>${mountinfo} && mount --bind ${mountinfo} /proc/$$/mountinfo && exec "$@"`
  return { tree, see: { wrap: ['unshare', '--mount', 'sh', '-c', command, 'sh'] } }
}

scenario('without resctrl: an error, and nothing is left', { peers }, (t, box) => {
  if (readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl ')) return t.comment('SKIP: resctrl is mounted')
  const bundle = box.bundle(withRdt({ closID: 'gold' }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /linux\.intelRdt: no resctrl file system is mounted/)
})

scenario('the container’s pid goes into the tasks of its class, which stays', { peers }, (t, box) => {
  const { tree, see } = makeResctrl(box)
  const bundle = box.bundle(withRdt({ closID: 'gold' }, { process: { args: ['sleep', '100'] } }))
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, id], see)
  t.equal(result.status, 0, result.stderr)
  t.equal(readFileSync(join(tree, 'gold/tasks'), 'utf8'), String(box.state(id)?.pid))
  t.equal(readFileSync(join(tree, 'tasks'), 'utf8'), '')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.ok(existsSync(join(tree, 'gold')))
})

scenario('the default class, by run, with an init that forks', { peers }, (t, box) => {
  const { tree, see } = makeResctrl(box)
  // With a time namespace init must fork.
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'time'].map((type) => ({ type }))
  const linux = { intelRdt: { closID: '/' }, namespaces }
  const bundle = box.bundle({ linux, process: { args: ['sleep', '100'] } })
  const id = box.id()
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id], see)
  t.equal(result.status, 0, result.stderr)
  t.equal(readFileSync(join(tree, 'tasks'), 'utf8'), String(box.state(id)?.pid), 'the pid after the fork')
  t.equal(box.call(['exec', id, 'true']).status, 0, 'the process of exec enters it, too')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('a class with another schema is an error, and so is one that does not exist', { peers }, (t, box) => {
  const { see } = makeResctrl(box)
  for (const [intelRdt, message] of [
    [
      { closID: 'gold', l3CacheSchema: 'L3:0=ff' },
      /linux\.intelRdt\.l3CacheSchema: the class exists with another L3 schema/,
    ],
    [
      { closID: 'gold', memBwSchema: 'MB:0=21' },
      /linux\.intelRdt\.memBwSchema: the class exists with another MB schema/,
    ],
    [{ closID: 'silver' }, /linux\.intelRdt: closID silver does not exist/],
    [{ closID: '../gold' }, /linux\.intelRdt\.closID: must be a file name or \//],
  ] as const) {
    const bundle = box.bundle(withRdt(intelRdt), { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], see)
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})

scenario('update changes the schemas of the class', { peers }, (t, box) => {
  const { tree, see } = makeResctrl(box)
  const schemata = (): string => readFileSync(join(tree, 'gold/schemata'), 'utf8')
  const bundle = box.bundle(withRdt({ closID: 'gold' }, { process: { args: ['sleep', '100'] } }))
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id], see).status, 0)
  const result = box.call(['update', '--l3-cache-schema', 'L3:0=f0', '--mem-bw-schema=MB:0=50', id], see)
  t.match(result, { status: 0, stderr: '' })
  // The kernel would merge the lines; a plain file has only the last one.
  t.match(schemata(), /^MB:0=50\n/)
  writeFileSync(join(tree, 'gold/schemata'), '    MB:0= 20\n')
  const failing = box.call(['update', '--cpuset-cpus', '4711', '--mem-bw-schema', 'MB:0=70', id], see)
  t.match(failing, { status: 1, stderr: /cpu\.cpus/ })
  t.equal(schemata(), '    MB:0= 20\n', 'a failed update puts it back')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('update of a container without a class, on a machine without resctrl', { peers }, (t, box) => {
  const { tree, see } = makeResctrl(box)
  const id = box.id()
  const bundle = box.bundle({ process: { args: ['sleep', '100'] } })
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
  // resctrl would create the files of a new class; here they are missing, which is an error, and the class is removed
  // again.
  const result = box.call(['update', '--l3-cache-schema', 'L3:0=f', id], see)
  t.match(result, { status: 1, stderr: /linux\.intelRdt\.l3CacheSchema: .*ENOENT/ })
  t.notOk(existsSync(join(tree, id)))
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl ')) {
    const none = box.call(['update', '--l3-cache-schema', 'L3:0=f', id])
    t.match(none, { status: 1, stderr: /--l3-cache-schema: no resctrl file system is mounted/ })
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('a failed create removes its groups', { peers }, (t, box) => {
  const { tree, see } = makeResctrl(box)
  // resctrl would create the files of a new group; here they are missing, so the next step fails.
  for (const intelRdt of [{ l3CacheSchema: 'L3:0=f' }, { closID: 'gold', enableMonitoring: true }]) {
    const bundle = box.bundle(withRdt(intelRdt), { name: box.id() })
    const id = box.id()
    const result = box.call(['run', '--bundle', bundle.dir, id], see)
    t.not(result.status, 0)
    t.match(result.stderr, /linux\.intelRdt.*ENOENT/)
    t.notOk(existsSync(join(tree, id)) || existsSync(join(tree, 'gold/mon_groups', id)))
  }
})
