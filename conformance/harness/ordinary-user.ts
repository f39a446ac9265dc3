/*
 * Calls of the runtime by an unprivileged user: if the tests run as root, by user 1000 through setpriv(1), else by the current user.
 * Bundles, state directories and cgroups are given to that user.
 */
import { chownSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, type Patch, patched } from './bundle.ts'
import { type CgroupMount, cgroupMounts } from './census.ts'
import { needsCommand, type Skip } from './requires.ts'
import type { Box, CallOptions, Result } from './scenario.ts'

export const isRoot = process.getuid?.() === 0
export const user = isRoot ? 1000 : (process.getuid?.() ?? 0)
export const wrap = isRoot ? ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups'] : []
export const needsUser = (): Skip => (isRoot ? needsCommand('setpriv') : false)

/** A call of the runtime by the unprivileged user. */
export const callAs = (box: Box, args: readonly string[], options: CallOptions = {}): Result =>
  box.call(args, { wrap, ...options })

/** A bundle with the config of `spec --rootless` and the patch; the user owns the directory and the state root. */
export function rootlessBundle(box: Box, patch: Patch): string {
  const { dir } = box.bundle({}, { name: box.id() })
  const config = join(dir, 'config.json')
  if (isRoot) for (const path of [dir, config, box.root]) chownSync(path, user, user)
  const made = join(dir, 'made')
  mkdirSync(made)
  if (isRoot) chownSync(made, user, user)
  const spec = callAs(box, ['spec', '--rootless', '--bundle', made])
  if (spec.status !== 0) throw new Error(spec.stderr)
  const base = JSON.parse(readFileSync(join(made, 'config.json'), 'utf8')) as Json
  const quiet = { process: { terminal: false } }
  writeFileSync(config, JSON.stringify(patched(patched(base, quiet), patch)))
  return dir
}

export const shell = (command: string): Patch => ({ process: { args: ['sh', '-c', command] } })

/**
 * A cgroup in each of the hierarchies: the user owns the directory, but not the files in it. Removed at the end of the
 * test.
 */
export function delegate(box: Box, which: (mount: CgroupMount) => boolean = () => true): string {
  const name = box.id()
  for (const mount of cgroupMounts().filter(which)) {
    const directory = join(mount.dir, name)
    mkdirSync(directory)
    chownSync(directory, user, user)
    box.defer(() => rmdirSync(directory))
  }
  return `/${name}`
}
