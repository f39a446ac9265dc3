/*
 * apparmorProfile, selinuxLabel and mountLabel (config.md "Linux Process", config-linux.md "Mount Label"), on a kernel with the module and
 * on one without.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { runProbe } from '../../harness/probe.ts'
import { isRunt } from '../../harness/project.ts'
import { either, needsCommand, type Skip } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const hasAppArmor =
  existsSync('/sys/module/apparmor/parameters/enabled') &&
  readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y')
const hasSelinux = existsSync('/sys/fs/selinux/enforce')
const skip: Skip = either(hasAppArmor ? false : 'no AppArmor', needsCommand('apparmor_parser'))
const current = 'file:/proc/self/attr/apparmor/current'

/** A profile of the test's own that forbids writing to /tmp/forbidden; returns its name. */
function loadProfile(box: Box): string {
  const name = box.id()
  const text = `profile ${name} flags=(attach_disconnected,mediate_deleted) {
    file, capability, network, umount, mount, signal, ptrace, pivot_root,
    deny /tmp/forbidden w,
  }\n`
  const parser = (verb: string) =>
    spawnSync('apparmor_parser', [verb, '--skip-cache'], { input: text, encoding: 'utf8' })
  const loaded = parser('--replace')
  if (loaded.status !== 0) throw new Error(loaded.stderr)
  box.defer(() => parser('--remove'))
  return name
}

for (const noNewPrivileges of [true, false]) {
  scenario(`the process runs under its AppArmor profile, noNewPrivileges ${noNewPrivileges}`, { skip }, (t, box) => {
    const apparmorProfile = loadProfile(box)
    const inside = runProbe(t, box, [current, 'create:/tmp/forbidden', 'create:/tmp/allowed'], {
      process: { apparmorProfile, noNewPrivileges },
      root: { path: 'rootfs', readonly: false },
    })
    t.equal(inside.text(current), `${apparmorProfile} (enforce)`)
    t.equal(inside.text('create:/tmp/forbidden'), 'EACCES')
    t.equal(inside.text('create:/tmp/allowed'), 'ok')
  })
}

scenario('the profile unconfined is accepted', { skip }, (t, box) => {
  t.equal(runProbe(t, box, [current], { process: { apparmorProfile: 'unconfined' } }).text(current), 'unconfined')
})

scenario('a profile that is not loaded is an error', { skip }, (t, box) => {
  const bundle = box.bundle({ process: { apparmorProfile: 'no-such-profile' } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /process\.apparmorProfile: .*ENOENT/)
})

scenario('a profile without AppArmor is an error', { skip: hasAppArmor ? 'AppArmor is there' : false }, (t, box) => {
  const bundle = box.bundle({ process: { apparmorProfile: 'any' } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /process\.apparmorProfile: AppArmor is not enabled/)
})

const noSelinux: Skip = hasSelinux ? 'SELinux is there' : false
const label = 'system_u:system_r:container_t:s0:c1,c2'

scenario(
  'a label without SELinux is an error',
  { skip: noSelinux, peers: { crun: 'ignores mountLabel' } },
  (t, box) => {
    for (const [path, patch] of [
      ['process.selinuxLabel', { process: { selinuxLabel: label } }],
      ['linux.mountLabel', { linux: { mountLabel: label } }],
    ] as const) {
      const bundle = box.bundle(patch, { name: path })
      const id = box.id()
      const result = box.call(['run', '--bundle', bundle.dir, id])
      t.equal(result.status, 1)
      if (isRunt) t.match(result.stderr, `${path}: SELinux is not enabled on this host`)
      t.notOk(existsSync(`${box.root}/${id}`))
    }
    const empty = box.bundle({ process: { selinuxLabel: '' }, linux: { mountLabel: '' } }, { name: 'empty' })
    t.equal(box.call(['run', '--bundle', empty.dir, box.id()]).status, 0, 'an empty one is none')
  },
)

scenario(
  'exec with a label without SELinux is an error',
  { skip: noSelinux, peers: { crun: 'ignores it' } },
  (t, box) => {
    const bundle = box.bundle({ process: { args: ['sleep', '1000'] } })
    const id = box.id()
    t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
    box.defer(() => box.call(['delete', '--force', id]))
    const process = `${box.dir}/process.json`
    writeFileSync(process, JSON.stringify({ args: ['true'], cwd: '/', user: {}, selinuxLabel: label }))
    for (const args of [
      ['--process-label', label, id, 'true'],
      ['--process', process, id],
    ]) {
      const result = box.call(['exec', ...args])
      t.equal(result.status, 255)
      if (isRunt) t.match(result.stderr, 'process.selinuxLabel: SELinux is not enabled on this host')
    }
  },
)
