/* Shared by the tests of checkpoint and restore: whether CRIU works here, a container to save, and directories for its images. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Patch } from './bundle.ts'
import { hasCommand } from './project.ts'
import type { Skip } from './requires.ts'
import { type Box, type Result, until } from './scenario.ts'

/** Debian 12's does not work with a new kernel, that of the virtual machine does. */
export const needsCriu: Skip = !hasCommand('criu')
  ? 'no criu'
  : spawnSync('criu', ['check'], { stdio: 'ignore' }).status === 0
    ? false
    : 'criu does not work with this kernel'

/** Counts in a tmpfs, and has no open files of the caller, which CRIU could not save. */
export const counting = {
  process: {
    // By a rename, so that readers always find a number.
    args: ['sh', '-c', 'cd /dev/shm; i=0; while :; do i=$((i+1)); echo $i >next; mv next count; sleep 0.05; done'],
  },
} as const satisfies Patch

/** A prefix for the runtime's command line: the container gets none of the caller's files. */
export const quiet = ['sh', '-c', 'exec "$@" >/dev/null 2>&1', 'sh'] as const

export const count = (box: Box, id: string): number => Number(box.call(['exec', id, 'cat', '/dev/shm/count']).stdout)

/** A directory in memory: on a disk that stalls, as an emulated machine's may, CRIU would time out. */
export function inMemory(box: Box): string {
  const dir = mkdtempSync('/dev/shm/runt-images-')
  box.defer(() => rmSync(dir, { recursive: true }))
  return dir
}

/** A container that has started to count. */
export async function counter(t: Test, box: Box, bundle: string): Promise<string> {
  const id = box.id()
  const { status, stderr } = quietly(box, ['run', '-d', '--bundle', bundle, id])
  t.equal(status, 0, stderr)
  await until(() => count(box, id) > 2, 'a count')
  return id
}

/** Runs a command whose container keeps running, with messages in a log. */
export function quietly(box: Box, args: readonly string[]): Pick<Result, 'status' | 'stderr'> {
  const log = join(box.dir, `${box.id()}.log`)
  const { status } = box.call(['--log', log, ...args], { wrap: quiet })
  const read = spawnSync('cat', [log], { encoding: 'utf8' })
  return { status, stderr: read.stdout }
}

/** Saves a container and restores it, `rounds` times; calls `between` before each restore. */
export async function saveAndRestore(
  t: Test,
  box: Box,
  id: string,
  how: { readonly bundle: string; readonly rounds?: number; readonly between?: () => void },
): Promise<void> {
  const all = inMemory(box)
  for (let round = 1; round <= (how.rounds ?? 1); round++) {
    const before = count(box, id)
    const images = join(all, `round.${round}`)
    t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' }, `${round}: it is saved`)
    how.between?.()
    const restored = quietly(box, ['restore', '-d', '--image-path', images, '--bundle', how.bundle, id])
    t.equal(restored.status, 0, `${round}: it is restored ${restored.stderr}`)
    t.ok(count(box, id) >= before, `${round}: with its memory`)
  }
}
