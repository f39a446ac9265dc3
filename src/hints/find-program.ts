// Finds the file of the container's program after a failure. After `create` has failed its mounts are gone: then the config says which
// mount the file was on.

import type { Config, Mount } from '../config/config.ts'
import { isWithin } from '../host/mount-table.ts'
import type { Native, RootFile } from '../native.ts'
import { executableCandidates } from '../plan/process.ts'
import { attempt } from './facts.ts'
import type { Failure, Root } from './failure.ts'

export interface FoundFile {
  readonly file: RootFile
  /** In the container. */
  readonly path: string
  /** Whether a mount option of the config forbids to execute it. */
  readonly isNoexec: boolean
}

/** A path in the container; undefined: not there, or unknown. */
export function findFile({ native, root, config }: Failure, path: string): FoundFile | undefined {
  if (root === undefined) return undefined
  const inRoot = look(native, root.path, path)
  if (root.mounts === 'there' || config === undefined)
    return inRoot && { file: inRoot, path: inRoot.path, isNoexec: inRoot.isNoexec }
  const mount = mountOver(native, root, config, inRoot?.path ?? path)
  if (mount === undefined) return inRoot && { file: inRoot, path: inRoot.path, isNoexec: inRoot.isNoexec }
  return onMount(native, mount, inRoot?.path ?? path)
}

const look = (native: Native, root: string, path: string): RootFile | undefined =>
  attempt(() => native.lookInRoot(root, path))

/** Where a mount of the config is, behind the links of the image. */
const targetOf = (native: Native, root: Root, { destination }: Mount): string =>
  look(native, root.path, destination)?.path ?? destination

/** The last mount of the config at or above the path. */
const mountOver = (native: Native, root: Root, { mounts }: Config, path: string): Mount | undefined =>
  mounts.findLast((mount) => isWithin(path, targetOf(native, root, mount)))

/** Only in a bind mount the file can still be found: below its source, a directory of the host. */
function onMount(native: Native, mount: Mount, path: string): FoundFile | undefined {
  const isBind = mount.type === 'bind' || mount.options.some((option) => option === 'bind' || option === 'rbind')
  if (!isBind || !mount.source?.startsWith('/') || !isWithin(path, mount.destination)) return undefined
  const rest = path.slice(mount.destination.length)
  const file = rest === '' ? undefined : look(native, mount.source, rest)
  return (
    file && { file, path: mount.destination + file.path, isNoexec: file.isNoexec || mount.options.includes('noexec') }
  )
}

/** The program of the failed step: the first candidate that exists. */
export function findProgram(failure: Failure): FoundFile | undefined {
  const { plan, config } = failure
  const finding = plan.containerSteps.find((step) => step?.op === 'find_executable')
  const process = config?.process
  const candidates =
    finding?.op === 'find_executable' && finding.candidates !== undefined
      ? finding.candidates
      : process === undefined
        ? []
        : executableCandidates(process)
  const cwd = process?.cwd ?? '/'
  for (const candidate of candidates) {
    const found = findFile(failure, candidate.startsWith('/') ? candidate : `${cwd}/${candidate}`)
    if (found !== undefined) return found
  }
  return undefined
}
