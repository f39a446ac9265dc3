// What `validate`, `plan` and `seccomp` read: a bundle, a config file, or a config on standard input.

import { parseConfig } from '../config/parse-config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { type Bundle, bundleDirectory, type LoadedBundle, openBundle, seccompReceiver } from './load-bundle.ts'

const STDIN = '-'

/** A config, and the directory to which its paths are relative. */
export interface Source extends Bundle {
  /** Whether the bundle's directory is known; else `path` is the current directory. */
  readonly hasDirectory: boolean
}

/** `given` is a directory, a file, `-`, or undefined; `option` is --bundle. */
export function openSource(native: Native, given: string | undefined, option: string | undefined): Source {
  if (given === undefined) return { ...openBundle(native, option), hasDirectory: true }
  const isFile = given === STDIN || isNoDirectory(native, given)
  if (!isFile && option !== undefined) throw new RuntError('usage', `--bundle: ${given} is a bundle, too`)
  if (!isFile) return { ...openBundle(native, given), hasDirectory: true }
  const file = given === STDIN ? undefined : realPath(native, given)
  const directory = option ?? file?.slice(0, file.lastIndexOf('/') + 1)
  return {
    path: directory === undefined ? native.cwd() : bundleDirectory(native, directory),
    configPath: file ?? given,
    configText: read(native, given),
    hasDirectory: directory !== undefined,
  }
}

export function loadSource(
  native: Native,
  given: string | undefined,
  option: string | undefined,
): Source & LoadedBundle {
  const source = openSource(native, given, option)
  return { ...source, ...parseConfig(source.configText, source.configPath, seccompReceiver(native)) }
}

/** Only a directory resolves with "/.". What does not exist is reported as a missing bundle. */
function isNoDirectory(native: Native, path: string): boolean {
  try {
    native.realpath(`${path}/.`)
    return false
  } catch (error) {
    return errnoOf(error) === 'ENOTDIR'
  }
}

/** undefined: a pipe, as /dev/fd/63, has no path. */
function realPath(native: Native, path: string): string | undefined {
  try {
    return native.realpath(path)
  } catch {
    return undefined
  }
}

function read(native: Native, path: string): string {
  try {
    return native.readFile(path)
  } catch (error) {
    throw hostFailure(path === STDIN ? 'standard input' : path, error)
  }
}
