/*
 * apparmorProfile, selinuxLabel and mountLabel (config.md "Linux Process", config-linux.md "Mount Label"), where the kernel has the
 * module; and what they are where it has not.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { runProbe } from '../harness/probe.ts'
import { either, needsCommand, type Skip } from '../harness/requires.ts'
import { type Box, scenario } from '../harness/scenario.ts'

const hasAppArmor =
  existsSync('/sys/module/apparmor/parameters/enabled') &&
  readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y')
const hasSelinux = existsSync('/sys/fs/selinux/enforce')
const skip: Skip = either(hasAppArmor ? false : 'no AppArmor', needsCommand('apparmor_parser'))
const current = 'file:/proc/self/attr/apparmor/current'

/** A profile of the test's own that forbids writing to /tmp/forbidden; its name. */
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

scenario('unconfined is a profile, too', { skip }, (t, box) => {
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

scenario(
  'labels without SELinux are left out, as engines expect',
  { skip: hasSelinux ? 'SELinux is there' : false },
  (t, box) => {
    const label = 'system_u:system_r:container_t:s0:c1,c2'
    const inside = runProbe(t, box, ['file:/proc/self/mountinfo'], {
      process: { selinuxLabel: label },
      linux: { mountLabel: label },
    })
    t.notMatch(inside.text('file:/proc/self/mountinfo'), /context=/)
  },
)
