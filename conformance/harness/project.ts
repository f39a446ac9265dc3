/*
 * Paths: the project's root, the runtime under test (RUNT_RUNTIME), and the C helpers of the tests, which are
 * compiled on first use to build/conformance.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's root: tests run bundled from build/, so it is searched for instead of counting '..'. */
export const projectRoot: string = (() => {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, 'package.json')
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'runt') return dir
    if (dir === dirname(dir)) throw new Error('no package.json of runt above the tests')
  }
})()

export type RuntimeName = 'runt' | 'runt-node' | 'runc' | 'crun'

export interface Runtime {
  readonly name: RuntimeName
  /** Absolute path of the executable. */
  readonly path: string
}

const inPath = (name: string): string | undefined => {
  const found = (process.env.PATH ?? '')
    .split(':')
    .concat('/usr/local/sbin', '/usr/sbin', '/sbin')
    .map((dir) => join(dir, name))
  return found.find((path) => existsSync(path))
}

/** The runtime of that name or path, or undefined if it is not installed. */
export function findRuntime(spec: string): Runtime | undefined {
  const path = spec.includes('/') ? resolve(projectRoot, spec) : inPath(spec)
  if (path === undefined || !existsSync(path)) return undefined
  const name = basename(path)
  return { name: name === 'runc' || name === 'crun' || name === 'runt-node' ? name : 'runt', path }
}

/** The runtime under test. A missing one is an error, never a reason to pass. */
export const runtime: Runtime = (() => {
  const spec = process.env.RUNT_RUNTIME ?? 'build/runt'
  const found = findRuntime(spec)
  if (found === undefined) throw new Error(`no runtime to test: ${spec} is missing (run make, or set RUNT_RUNTIME)`)
  return found
})()

/** Whether it is the project's own executable, on either host. */
export const isRunt: boolean = runtime.name === 'runt' || runtime.name === 'runt-node'

const flags: Readonly<Record<string, readonly string[]>> = { probe: ['-static'], attacker: ['-static'] }

/** The path of a compiled C helper of conformance/harness; compiles it if the source is newer. */
export function compiled(name: 'aid' | 'attacker' | 'probe'): string {
  const source = join(projectRoot, 'conformance/harness', `${name}.c`)
  const target = join(projectRoot, 'build/conformance', name)
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) return target
  mkdirSync(dirname(target), { recursive: true })
  // Several test files may do this at once: each writes its own file and renames it.
  const mine = `${target}.${process.pid}`
  execFileSync('gcc', ['-Wall', '-Wextra', '-Werror', '-O1', ...(flags[name] ?? []), '-o', mine, source])
  renameSync(mine, target)
  return target
}

/** Whether the command exists. */
export const hasCommand = (name: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
