/*
 * process.apparmorProfile (config.md, "Linux process") and `exec --apparmor`: a profile loaded on the host confines the container's
 * process. Needs a kernel with AppArmor and apparmor_parser(8) to load a profile of the test's own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { token } from '../../harness/census.ts'
import { either, needsCommand, type Skip } from '../../harness/requires.ts'
import { type Box, runProgram, scenario } from '../../harness/scenario.ts'

const enabled = '/sys/module/apparmor/parameters/enabled'
const needsAppArmor = (): Skip =>
  existsSync(enabled) && readFileSync(enabled, 'utf8').startsWith('Y') ? false : 'no AppArmor'
const skip = either(needsAppArmor(), needsCommand('apparmor_parser'))

/** Loads a profile that allows everything except reading one file; removes it at the end of the test. */
function loadProfile(box: Box): string {
  const name = `${token}-profile`
  const file = join(box.dir, 'profile')
  const rules = ['file,', 'capability,', 'mount,', 'umount,', 'pivot_root,', 'network,', 'signal,', 'ptrace,', 'unix,']
  writeFileSync(
    file,
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {\n${rules.join('\n')}\ndeny /etc/group rwklx,\n}\n`,
  )
  const parse = (how: string) => runProgram(box.dir, ['apparmor_parser', how, '--skip-cache', file])
  const loaded = parse('--replace')
  if (loaded.status !== 0) throw new Error(loaded.stderr)
  box.defer(() => parse('--remove'))
  return name
}

const look = 'cat /proc/self/attr/current; cat /etc/group; head -n1 /etc/passwd'

scenario('a profile confines the process', { skip }, (t, box) => {
  const name = loadProfile(box)
  const process = { args: ['sh', '-c', look] }
  const confined = box.bundle({ process: { ...process, apparmorProfile: name } }, { name: 'confined' })
  const result = box.call(['run', '--bundle', confined.dir, box.id()])
  t.equal(result.stdout, `${name} (enforce)\nroot:x:0:0:root:/root:/bin/sh\n`, 'it may read all but one file')
  t.match(result.stderr, /\/etc\/group.*Permission denied/)
  const free = box.call(['run', '--bundle', box.bundle({ process }, { name: 'free' }).dir, box.id()])
  t.match(free.stdout, /^unconfined\n(.*\n)*tty:x:5:/, 'without it, it may read that, too')
})

scenario('exec takes a profile of its own', { skip }, (t, box) => {
  const name = loadProfile(box)
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle({ process: { args: ['sleep', '1000'] } }).dir, id]).status, 0)
  const result = box.call(['exec', '--apparmor', name, id, 'sh', '-c', look])
  t.match(result.stdout, `${name} (enforce)\n`)
  t.match(result.stderr, /\/etc\/group.*Permission denied/)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('a profile that is not loaded is an error', { skip }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['true'], apparmorProfile: `${token}-missing` } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /process\.apparmorProfile/)
})
