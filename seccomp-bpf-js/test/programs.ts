/*
 * The C programs of the tests: found beside this package, compiled into the build directory when they are missing or old.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The package's directory, from the directory of the repository or its own. */
const PACKAGE = existsSync('seccomp-bpf-js/test') ? 'seccomp-bpf-js' : '.'
const BUILD = process.env.RUNT_BUILD ?? join(PACKAGE, '../build')

/** A program ready to run, or why there is none. */
export type Program = { readonly path: string } | { readonly missing: string }

const isFresh = (path: string, source: string): boolean =>
  existsSync(path) && statSync(path).mtimeMs > statSync(source).mtimeMs

/** Compiles `test/NAME.c`. */
export const testProgram = (name: string, flags: readonly string[] = []): Program => {
  const source = join(PACKAGE, 'test', `${name}.c`)
  const path = join(BUILD, 'seccomp', name)
  if (isFresh(path, source)) return { path }
  mkdirSync(dirname(path), { recursive: true })
  try {
    execFileSync('cc', ['-O1', '-o', path, source, ...flags], { stdio: 'pipe' })
    return { path }
  } catch (error) {
    return {
      missing: `cannot compile ${name}.c: ${String((error as { stderr?: unknown }).stderr ?? error).split('\n')[0]}`,
    }
  }
}

/** libseccomp's filters; the environment may name a program built against another libseccomp. */
export const libseccompProgram = (): Program => {
  const own = process.env.LIBSECCOMP_EXPORT
  return own === undefined ? testProgram('libseccomp-export', ['-lseccomp']) : { path: own }
}

/** The kernel's opinion. It makes calls by int 0x80, so it is for x86_64. */
export const kernelProgram = (): Program =>
  process.arch === 'x64' ? testProgram('kernel-check', ['-mno-red-zone']) : { missing: 'only for x86_64' }
