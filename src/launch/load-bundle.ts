// Loads and checks a bundle's configuration (bundle.md), and the copy in a container's state directory.

import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { formatProblem, type Problem, RuntError } from '../errors.ts'
import { firstMissing } from '../hints/facts.ts'
import { unsearchable } from '../hints/search-path.ts'
import type { Native } from '../native.ts'

const CONFIG = 'config.json'

export interface Bundle {
  /** Absolute, without links. */
  readonly path: string
  /** Where config.json is, for messages. */
  readonly configPath: string
  readonly configText: string
}

export interface LoadedBundle extends Bundle {
  readonly config: Config
  readonly warnings: readonly Problem[]
}

/** Reads config.json. `option` is --bundle, or undefined for the current directory. */
export function openBundle(native: Native, option: string | undefined): Bundle {
  const path = bundleDirectory(native, option === undefined || option === '' ? '.' : option)
  const configPath = `${path}/${CONFIG}`
  try {
    return { path, configPath, configText: native.readFile(configPath) }
  } catch (error) {
    const hint = errnoOf(error) === 'ENOENT' ? `a bundle is a directory with a ${CONFIG}; see --bundle` : ''
    throw hostFailure(configPath, error, hint)
  }
}

/** Absolute, without links. */
export function bundleDirectory(native: Native, given: string): string {
  try {
    return native.realpath(given)
  } catch (error) {
    throw hostFailure(`bundle ${given}`, error)
  }
}

/** Throws an error that lists every problem of the configuration. */
export function loadBundle(native: Native, option: string | undefined): LoadedBundle {
  const bundle = openBundle(native, option)
  return { ...bundle, ...parseConfig(bundle.configText, bundle.configPath, seccompReceiver(native)) }
}

/** crun(1): the agent's socket for profiles without a listenerPath. */
export const seccompReceiver = (native: Native): string | undefined =>
  native.env('RUN_OCI_SECCOMP_RECEIVER') || undefined

/** The config as it was at `create`, which has printed its warnings. `directory` is the container's state directory. */
export function savedConfig(native: Native, directory: string): Config {
  const path = `${directory}/${CONFIG}`
  try {
    return parseConfig(native.readFile(path), path, seccompReceiver(native)).config
  } catch (error) {
    throw hostFailure(path, error)
  }
}

export function warnOf(warnings: readonly Problem[], warn: (message: string) => void): void {
  for (const warning of warnings) warn(formatProblem(warning))
}

/** Looked for after a failure: what is missing, or who may not go there. */
function rootfsHint(native: Native, path: string, code: string | undefined): string {
  if (code === 'ENOENT') {
    const missing = firstMissing(native, path)
    return missing === undefined ? '' : `${missing} does not exist: unpack the image there, or correct root.path`
  }
  const uid = native.euid()
  // The group is unknown: -1 has no file.
  const closed = code === 'EACCES' ? unsearchable(native, path, { uid, gid: -1 }) : undefined
  return closed === undefined ? '' : `uid ${uid} cannot search ${closed}: chmod +x it, or chown it`
}

/** `root.path` of the bundle as an absolute path; throws unless it is an existing directory. */
export function rootfsOf(native: Native, bundle: LoadedBundle): string {
  const { path } = bundle.config.root
  const absolute = path.startsWith('/') ? path : `${bundle.path}/${path}`
  try {
    // With "/." only a directory resolves.
    return native.realpath(`${absolute}/.`)
  } catch (error) {
    const failure = hostFailure(`root.path (${absolute})`, error, rootfsHint(native, absolute, errnoOf(error)))
    throw failure instanceof RuntError ? new RuntError('config', failure.message, { path: 'root.path' }) : failure
  }
}
