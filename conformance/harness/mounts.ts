/*
 * Containers with additional mounts, for tests of mounts: entries of mounts[], the output of a shell in the container, and refusals.
 */
import type { Test } from 'tap'
import { type Json, mountsWith, type Patch } from './bundle.ts'
import type { Box, Result } from './scenario.ts'

export const mount = (type: string, destination: string, source: string, ...options: readonly string[]) => ({
  destination,
  type,
  source,
  options,
})
export const tmpfs = (destination: string, ...options: readonly string[]) =>
  mount('tmpfs', destination, 'tmpfs', ...options)
export const bind = (destination: string, source: string, ...options: readonly string[]) =>
  mount('bind', destination, source, ...options)

/** `sh -c script` in a container with these mounts. */
export function sh(box: Box, script: string, mounts: readonly Json[], patch: Patch = {}): Result {
  const process = { args: ['/bin/sh', '-c', script] }
  const bundle = box.bundle(
    { root: { readonly: false }, ...patch, process, mounts: mountsWith(...mounts) },
    { name: box.id() },
  )
  return box.call(['run', '--bundle', bundle.dir, box.id()])
}

/** The output must be this text. */
export function prints(
  t: Test,
  box: Box,
  script: string,
  text: string,
  mounts: readonly Json[],
  patch: Patch = {},
): void {
  const { status, stdout, stderr } = sh(box, script, mounts, patch)
  t.equal(stdout.trim(), text, `${JSON.stringify(mounts)}: ${status} ${stderr}`)
}

/** The container must be refused, with a message that matches. */
export function refused(t: Test, box: Box, mounts: readonly Json[], ...patterns: readonly RegExp[]): void {
  const { status, stderr } = sh(box, 'true', mounts)
  t.equal(status, 1, JSON.stringify(mounts).slice(0, 200))
  for (const pattern of patterns) t.match(stderr, pattern)
}
