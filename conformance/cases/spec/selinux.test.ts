/*
 * process.selinuxLabel (config.md "Linux Process"), linux.mountLabel (config-linux.md "Mount Label") and `exec --process-label`, by
 * what an enforced policy then allows the container. Needs a machine with SELinux and a policy that has container_t.
 */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { openConsole } from '../../harness/console.ts'
import { either, needsCommand, needsSelinux } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'
import {
  fileLabel,
  foreign,
  labelledBundle,
  labelOf,
  own,
  plain,
  probeLabelled,
  processLabel,
  reporting,
  reportOf,
  volume,
} from '../../harness/selinux.ts'

const skip = either(needsSelinux(), needsCommand('chcon'))
const current = 'file:/proc/self/attr/current'

const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
const withUserNamespace: Patch = {
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: ids,
    gidMappings: ids,
  },
}

for (const noNewPrivileges of [true, false]) {
  scenario(`the process has its label, noNewPrivileges ${noNewPrivileges}`, { skip }, (t, box) => {
    const inside = probeLabelled(t, box, [current], { process: { noNewPrivileges } })
    t.equal(plain(inside.text(current)), processLabel())
  })
}

scenario('without labels the process has the label of its caller, and mounts have none', { skip }, (t, box) => {
  const none = { process: { selinuxLabel: undefined }, linux: { mountLabel: undefined } }
  const inside = probeLabelled(t, box, [current, 'file:/proc/self/mountinfo'], none)
  t.equal(plain(inside.text(current)), plain(readFileSync('/proc/self/attr/current', 'utf8')))
  t.notMatch(inside.text('file:/proc/self/mountinfo'), /context=/)
})

for (const [name, patch] of [
  ['', {}],
  [', in a user namespace', withUserNamespace],
] as const) {
  scenario(`the session keyring has the label of the process${name}`, { skip }, (t, box) => {
    const inside = probeLabelled(t, box, ['keyring-label', current], patch)
    t.equal(plain(inside.text('keyring-label')), processLabel())
    t.equal(plain(inside.text(current)), processLabel())
  })

  const peers = { crun: 'leaves exec the session keyring of its caller' }
  scenario(`exec has the labels of the container${name}`, { skip, peers }, (t, box) => {
    const id = box.id()
    const bundle = labelledBundle(box, { process: { args: ['sleep', '1000'] }, ...patch })
    t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
    const inside = reportOf(bundle, box.call(['exec', id, ...reporting(['keyring-label', current])]))
    t.equal(plain(inside.text('keyring-label')), processLabel())
    t.equal(plain(inside.text(current)), processLabel())
    t.equal(box.call(['delete', '--force', id]).status, 0)
  })
}

scenario('exec takes a label of its own, from the command line and from a file', { skip }, (t, box) => {
  const id = box.id()
  const bundle = labelledBundle(box, { process: { args: ['sleep', '1000'] } })
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  const label = processLabel('s0:c1,c2,c5')
  const inside = reportOf(bundle, box.call(['exec', '--process-label', label, id, ...reporting([current])]))
  t.equal(plain(inside.text(current)), label)
  rmSync(join(bundle.rootfs, 'tmp/report'))
  const file = join(box.dir, 'process.json')
  writeFileSync(
    file,
    JSON.stringify({ args: reporting([current]), cwd: '/', user: { uid: 0, gid: 0 }, selinuxLabel: label }),
  )
  t.equal(plain(reportOf(bundle, box.call(['exec', '--process', file, id])).text(current)), label)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('mountLabel: the container can use the files made for it', { skip }, (t, box) => {
  const topics = ['file:/proc/self/mountinfo', 'create:/dev/mqueue/x', 'create:/dev/shm/x', 'dir:/sys/firmware']
  const labels = ['/dev', '/dev/shm', '/dev/pts', '/dev/mqueue', '/dev/null', '/sys/firmware']
  const inside = probeLabelled(t, box, [...topics, ...labels.map((path) => `label:${path}`)])
  for (const path of labels) t.equal(inside.text(`label:${path}`), fileLabel(), path)
  const context = ({ superOptions }: { superOptions: readonly string[] }) => /context=/.test(superOptions.join())
  for (const mount of inside.mounts().filter(({ type }) => ['proc', 'sysfs', 'mqueue', 'cgroup2'].includes(type)))
    t.notOk(context(mount), `${mount.target} keeps the labels of its files`)
  t.equal(inside.text('create:/dev/mqueue/x'), 'ok')
  t.equal(inside.text('create:/dev/shm/x'), 'ok')
  t.same(inside.lines('dir:/sys/firmware'), [], 'what is masked is empty and not forbidden')
})

scenario('volumes: a container reads its own and shared ones, not those of another container', { skip }, (t, box) => {
  const labels = { own: fileLabel(own), shared: fileLabel('s0'), foreign: fileLabel(foreign) }
  const host = 'system_u:object_r:shadow_t:s0'
  const sources = Object.entries({ ...labels, host }).map(
    ([name, context]) => [name, volume(box, name, context), context] as const,
  )
  const mounts = mountsWith(
    ...sources.map(([name, source]) => ({ destination: `/${name}`, source, type: 'bind', options: ['rbind', 'rw'] })),
  )
  const names = sources.map(([name]) => name)
  const topics = names.flatMap((name) => [`file:/${name}/file`, `create:/${name}/made`])
  const inside = probeLabelled(t, box, topics, { mounts })
  const seen = (name: string) => [inside.text(`file:/${name}/file`), inside.text(`create:/${name}/made`)]
  t.same(seen('own'), ['text', 'ok'])
  t.same(seen('shared'), ['text', 'ok'])
  t.same(seen('foreign'), ['! EACCES', 'EACCES'])
  t.same(seen('host'), ['! EACCES', 'EACCES'])
  for (const [name, source, context] of sources) {
    t.equal(labelOf(box, source), context, `${name}: the runtime leaves the label`)
    t.equal(labelOf(box, join(source, 'file')), context, `${name}: and those of the files`)
  }
  t.match(labelOf(box, join(box.dir, 'own/made')), /:container_file_t:s0:c1,c2$/, 'of its own making')
})

scenario('the terminal has mountLabel, for run and exec', { skip }, async (t, box) => {
  const id = box.id()
  const master = await openConsole(box)
  const process = { terminal: true, args: ['/bin/probe', current, 'label:/dev/pts/0', 'wait'] }
  const bundle = labelledBundle(box, { process })
  const result = box.call(['run', '-d', '--console-socket', master.socket, '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => master.text().includes(fileLabel()), 'the label')
  t.match(master.text(), processLabel())
  const second = await openConsole(box, 'second.sock')
  const probe = ['/bin/probe', current, 'label:/dev/pts/1']
  t.equal(box.call(['exec', '-d', '-t', '--console-socket', second.socket, id, ...probe]).status, 0)
  await until(() => second.text().includes(fileLabel()), 'the label of the second')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('hooks run with the label of the runtime until the program starts', { skip }, (t, box) => {
  const hook = (name: string) => [{ path: '/bin/sh', args: ['sh', '-c', `cat /proc/self/attr/current >/out-${name}`] }]
  const script = (name: string): string => {
    const path = join(box.dir, name)
    writeFileSync(path, `#!/bin/sh\ncat /proc/self/attr/current >${box.dir}/out-${name}\n`)
    chmodSync(path, 0o755)
    return path
  }
  const hooks = {
    createRuntime: [{ path: script('createRuntime') }],
    createContainer: [{ path: script('createContainer') }],
    startContainer: hook('startContainer'),
  }
  const bundle = labelledBundle(box, { hooks })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  const caller = plain(readFileSync('/proc/self/attr/current', 'utf8'))
  const read = (dir: string, name: string): string => plain(readFileSync(join(dir, `out-${name}`), 'utf8'))
  t.equal(read(box.dir, 'createRuntime'), caller)
  t.equal(read(box.dir, 'createContainer'), caller)
  t.equal(read(bundle.rootfs, 'startContainer'), processLabel())
})
