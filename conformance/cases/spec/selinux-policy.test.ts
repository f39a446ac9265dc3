/*
 * What an SELinux policy denies to the runtime or its container, and a runtime that the policy confines. selinux.test.ts tests the effect of
 * labels.
 */
import { chmodSync, copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { runtime } from '../../harness/project.ts'
import { either, needsCommand, needsFile, needsSelinux } from '../../harness/requires.ts'
import { runProgram, scenario } from '../../harness/scenario.ts'
import {
  fileLabel,
  label,
  labelledBundle,
  plain,
  probeLabelled,
  processLabel,
  reporting,
  reportOf,
  volume,
} from '../../harness/selinux.ts'

const skip = either(needsSelinux(), needsCommand('chcon'))

const refusals: readonly [string, Patch, RegExp][] = [
  [
    'a label that the policy does not know',
    { process: { selinuxLabel: 'system_u:system_r:nonsense_t:s0' } },
    /process\.selinuxLabel: .*EINVAL .*the policy of this host does not know the label/,
  ],
  [
    'a mount label that the policy does not know',
    { linux: { mountLabel: 'system_u:object_r:nonsense_t:s0' } },
    /nonsense_t.*EINVAL .*linux\.mountLabel: the policy of this host does not know the label/,
  ],
  [
    'a label that the caller may not start programs with',
    { process: { selinuxLabel: 'system_u:system_r:init_t:s0' } },
    /operation not permitted.*process\.selinuxLabel/i,
  ],
]

for (const [name, patch, message] of refusals) {
  scenario(
    `${name} is refused, and nothing is left`,
    { skip, peers: { runc: 'other words', crun: 'other words' } },
    (t, box) => {
      const bundle = labelledBundle(box, patch)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.not(result.status, 0)
      t.match(result.stderr, message)
    },
  )
}

scenario('a program that the label may not run is refused, and nothing is left', { skip }, (t, box) => {
  const source = volume(box, 'volume', 'system_u:object_r:etc_t:s0')
  copyFileSync('/bin/busybox', join(source, 'busybox'))
  label(box, source, 'system_u:object_r:etc_t:s0')
  const mount = { destination: '/volume', source, type: 'bind', options: ['bind'] }
  const bundle = labelledBundle(box, { process: { args: ['/volume/busybox', 'true'] }, mounts: mountsWith(mount) })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /permission denied/i)
})

scenario('exec with an unknown label is refused, and the container keeps running', { skip }, (t, box) => {
  const id = box.id()
  const bundle = labelledBundle(box, { process: { args: ['sleep', '1000'] } })
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  const result = box.call(['exec', '--process-label', 'system_u:system_r:nonsense_t:s0', id, 'true'])
  t.not(result.status, 0)
  t.match(result.stderr, /invalid argument/i)
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const notifies = { runc: 'labels no socket', crun: 'has the socket at another path' } as const
scenario('the socket of NOTIFY_SOCKET has the type of mountLabel', { skip, peers: notifies }, (t, box) => {
  const env = { NOTIFY_SOCKET: join(box.dir, 'nobody') }
  const topics = ['label:/run/notify', 'label:/run/notify/notify.sock']
  const inside = probeLabelled(t, box, topics, {}, { env })
  t.equal(inside.text('label:/run/notify'), fileLabel())
  t.match(inside.text('label:/run/notify/notify.sock'), /:container_file_t:s0$/)
})

/* As a service of systemd, a program of this type runs in the domain of engines, which may not read selinuxfs. */
const confined = either(skip, needsFile('/run/systemd/private'), needsCommand('systemd-run'))
const engines = { runc: 'is not let remount /var', crun: 'is not let own its standard streams' } as const
scenario('a confined runtime sets labels', { skip: confined, peers: engines }, (t, box) => {
  const topics = ['file:/proc/self/attr/current', 'label:/dev/shm', 'label:/sys/firmware']
  const bundle = labelledBundle(box, { process: { args: reporting(topics) } })
  label(box, box.dir, fileLabel('s0'))
  runProgram(box.dir, ['chcon', fileLabel('s0'), dirname(box.dir)])
  const program = join(box.dir, 'runtime')
  copyFileSync(runtime.path, program)
  chmodSync(program, 0o755)
  label(box, program, 'system_u:object_r:container_engine_exec_t:s0')
  const service = ['systemd-run', '--quiet', '--wait', '--property=Delegate=yes']
  const call = [program, '--root', box.root, 'run', '--bundle', bundle.dir, box.id()]
  const result = runProgram(box.dir, [...service, ...call])
  t.equal(result.status, 0, result.stderr)
  const inside = reportOf(bundle, result)
  t.equal(plain(inside.text('file:/proc/self/attr/current')), processLabel())
  t.equal(inside.text('label:/dev/shm'), fileLabel())
  t.equal(inside.text('label:/sys/firmware'), fileLabel())
})
