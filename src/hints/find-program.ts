// Finds files of the container after a failure. After `create` has failed its mounts are gone: then the config says which mount a file
// was on, and what is not in a bind mount is unknown.

import type { Config, Mount } from '../config/config.ts'
import { attempt } from '../errors.ts'
import { isWithin } from '../host/mount-table.ts'
import type { Native, RootFile } from '../native.ts'
import { executableCandidates } from '../plan/process.ts'
import { parentOf } from './facts.ts'
import type { Failure, Root } from './failure.ts'

export interface FoundFile {
  readonly file: RootFile
  /** In the container. */
  readonly path: string
  /** Whether a mount option forbids to execute it. */
  readonly isNoexec: boolean
}

/** A path in the container; undefined: unknown. */
export function findFile(failure: Failure, path: string): FoundFile | 'missing' | undefined {
  const { native, root, config } = failure
  if (root === undefined) return undefined
  // An error, for example a magic link, says nothing about the file.
  const looked = look(native, root.path, path)
  if (looked === undefined) return undefined
  const real = looked === 'missing' ? resolved(native, root.path, path) : looked.path
  const mount =
    root.mounts === 'there' || config === undefined || real === undefined
      ? undefined
      : mountOver(native, root, config, real)
  if (mount !== undefined) return onMount(native, mount, real ?? path)
  return looked === 'missing' ? looked : { file: looked, path: looked.path, isNoexec: looked.isNoexec }
}

const look = (native: Native, root: string, path: string): RootFile | 'missing' | undefined =>
  attempt(() => native.lookInRoot(root, path) ?? 'missing')

/** The path of a file that is not there, without the links on the way to it. */
function resolved(native: Native, root: string, path: string): string | undefined {
  if (!path.startsWith('/')) return undefined
  for (let above = parentOf(path); ; above = parentOf(above)) {
    const directory = look(native, root, above)
    if (directory === undefined) return undefined
    if (directory !== 'missing') return directory.path + path.slice(above === '/' ? 0 : above.length)
    if (above === '/') return undefined
  }
}

/** The last mount of the config at or above the path, behind the links of the image. */
const mountOver = (native: Native, root: Root, { mounts }: Config, path: string): Mount | undefined =>
  mounts.findLast(({ destination }) => {
    const target = look(native, root.path, destination)
    return isWithin(path, target === undefined || target === 'missing' ? destination : target.path)
  })

/** Only in a bind mount the file can still be found: below its source, a directory of the host. */
function onMount(native: Native, mount: Mount, path: string): FoundFile | 'missing' | undefined {
  const isBind = mount.type === 'bind' || mount.options.some((option) => option === 'bind' || option === 'rbind')
  if (!isBind || !mount.source?.startsWith('/') || !isWithin(path, mount.destination)) return undefined
  const rest = path.slice(mount.destination.length)
  const file = rest === '' ? undefined : look(native, mount.source, rest)
  if (file === undefined || file === 'missing') return file
  return { file, path: mount.destination + file.path, isNoexec: file.isNoexec || mount.options.includes('noexec') }
}

/** The program of the failed step: the first candidate that exists; undefined: unknown. */
export function findProgram(failure: Failure): FoundFile | undefined {
  const { plan, config } = failure
  const finding = plan.containerSteps.find((step) => step?.op === 'find_executable')
  const process = config?.process
  const planned = finding?.op === 'find_executable' ? finding.candidates : undefined
  const cwd = process?.cwd ?? '/'
  for (const candidate of planned ?? (process === undefined ? [] : executableCandidates(process))) {
    const found = findFile(failure, candidate.startsWith('/') ? candidate : `${cwd}/${candidate}`)
    if (found === undefined) return undefined
    if (found !== 'missing') return found
  }
  return undefined
}
