/*
 * Features of cgroup v2 (config-linux.md, "Allowed Device list" and "Cgroup ownership"): device rules as a program on the cgroup, and
 * a cgroup that belongs to the container's user.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { cgroupOf } from '../../harness/cgroup.ts'
import { runProbe } from '../../harness/probe.ts'
import { either, needsV2, type Skip } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

/** Some hosts deny even root access to their disks. */
function mayOpen(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

/** A block device that is not among the devices every container may use. */
const block = ((): { path: string; major: number; minor: number } | undefined => {
  for (const name of readdirSync('/sys/class/block')) {
    const [major = 0, minor = 0] = readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim().split(':').map(Number)
    const hasMedium = Number(readFileSync(`/sys/class/block/${name}/size`, 'utf8')) > 0
    if (hasMedium && mayOpen(`/dev/${name}`)) return { path: '/dev/disk', major, minor }
  }
  return undefined
})()
const skip: Skip = either(needsV2(), block === undefined ? 'no block device that may be opened' : false)

const withRules = (...rules: readonly Json[]): Patch => ({
  linux: {
    devices: [{ ...block, type: 'b' }],
    resources: { devices: [{ allow: false, access: 'rwm' }, ...rules] },
  },
})
const rule = (access: string): Json => ({
  allow: true,
  type: 'b',
  major: block?.major ?? 0,
  minor: block?.minor ?? 0,
  access,
})

scenario('only allowed and default devices can be opened', { skip }, (t, box) => {
  const inside = runProbe(
    t,
    box,
    ['stat:/dev/disk', 'file:/dev/disk', 'write:/dev/null', 'file:/dev/null'],
    withRules(),
  )
  t.match(inside.text('stat:/dev/disk'), /^block/, 'the node is there')
  t.equal(inside.text('file:/dev/disk'), '! EPERM')
  t.equal(inside.text('write:/dev/null'), 'ok')
})

scenario('a rule allows only its own device and access', { skip }, (t, box) => {
  const command = 'head -c1 /dev/disk >/dev/null && echo read; : >>/dev/disk && echo write'
  const bundle = box.bundle({ process: { args: ['sh', '-c', command] }, ...withRules(rule('r')) })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.stdout, 'read\n', result.stderr)
})

scenario('the last matching rule decides', { skip }, (t, box) => {
  const deny = { allow: false, type: 'b', access: 'rwm' }
  const command = 'head -c1 /dev/disk >/dev/null && echo read'
  for (const [rules, expected] of [
    [[rule('rwm'), deny], ''],
    [[deny, rule('rwm')], 'read\n'],
  ] as const) {
    const bundle = box.bundle({ process: { args: ['sh', '-c', command] }, ...withRules(...rules) }, { name: box.id() })
    t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).stdout, expected)
  }
})

const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
const inUserNamespace = (options: readonly string[], more: readonly string[]): Patch => ({
  process: { args: ['sleep', '100'] },
  mounts: [...mountsWithout('/sys/fs/cgroup'), { ...defaultConfig.mounts.at(-1), options }],
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user', ...more].map((type) => ({ type })),
    uidMappings: range,
    gidMappings: range,
  },
})

for (const [title, options, more, owner] of [
  ['writable, in a cgroup namespace', ['nosuid'], ['cgroup'], 100000],
  ['read-only', ['nosuid', 'ro'], ['cgroup'], 0],
  ['without a cgroup namespace', ['nosuid'], [], 0],
] as const) {
  scenario(`the owner of the cgroup, mounted ${title}`, { skip: needsV2() }, (t, box) => {
    const bundle = box.bundle(inUserNamespace(options, more))
    const id = box.id()
    const result = box.call(['run', '--detach', '--bundle', bundle.dir, id])
    t.equal(result.status, 0, result.stderr)
    const directory = cgroupOf(box.state(id)?.pid, 'freezer')
    t.equal(statSync(directory).uid, owner)
    t.equal(statSync(join(directory, 'cgroup.procs')).uid, owner)
    t.equal(statSync(join(directory, 'cgroup.freeze')).uid, 0, 'not what could lift a limit')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  })
}
