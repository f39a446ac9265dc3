/*
 * An unprivileged user with Podman inside isolated.sh, where the test itself is root: subordinate ids, a home on a disk, a runtime
 * directory, no session and no delegated cgroup.
 */
import { appendFileSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from '../harness/scenario.ts'
import { busyboxArchive, type EngineBox } from './engine.ts'
import { configure, image } from './podman-config.ts'

const uid = 1000

export interface User {
  readonly podman: (args: readonly string[]) => Result
  /** Runs podman, which must succeed; returns its standard output without the last newline. */
  readonly must: (args: readonly string[]) => string
}

function giveAway(path: string): void {
  chownSync(path, uid, uid)
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name))
}

/** Creates the user, who gets the image of the tests; the end of the test ends podman's processes of the user. */
export function makeUser(box: EngineBox): User {
  const [home, runtimeDir] = [join(box.dir, 'home'), `/run/user/${uid}`]
  appendFileSync('/etc/passwd', `user:x:${uid}:${uid}::${home}:/bin/sh\n`)
  appendFileSync('/etc/group', `user:x:${uid}:\n`)
  for (const file of ['/etc/subuid', '/etc/subgid']) appendFileSync(file, 'user:100000:65536\n')
  for (const dir of [join(home, '.config/containers'), join(home, 'tmp'), runtimeDir])
    mkdirSync(dir, { recursive: true })
  configure(join(home, '.config/containers'))
  const archive = busyboxArchive(box)
  box.run(['chmod', '755', box.dir])
  giveAway(home)
  giveAway(runtimeDir)
  const env = [`HOME=${home}`, `XDG_RUNTIME_DIR=${runtimeDir}`, `TMPDIR=${join(home, 'tmp')}`, 'USER=user']
  const become = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', 'env', ...env]
  const podman = (args: readonly string[]): Result => box.run([...become, 'podman', ...args], { cwd: home })
  const must = (args: readonly string[]): string => {
    const result = podman(args)
    if (result.status !== 0) throw new Error(`podman ${args.join(' ')}: ${result.status}: ${result.stderr}`)
    return result.stdout.trimEnd()
  }
  // Podman keeps a process to hold the user namespace.
  box.defer(() => podman(['system', 'migrate']))
  box.defer(() => podman(['rm', '--all', '--force', '--time', '0']))
  must(['import', '--change', 'CMD ["sh"]', archive, image])
  return { podman, must }
}
