// For `validate`: the effect of a config's seccomp profile on this architecture. A profile under which no program can
// run is a problem, although `create` accepts it, as runc does; a program that cannot exit can still be killed, so that
// is a warning.

import { type ArchitectureName, compileSeccomp, syscallNames } from 'seccomp-bpf-js'
import type { Config, Seccomp } from '../config/config.ts'
import { ignoresErrno } from '../config/rules/seccomp.ts'
import type { Problem } from '../errors.ts'
import { suggest } from '../suggest.ts'
import { denialText, fatalDenials, isForTracer, loadingOf, NEEDED } from './denied.ts'

const PATH = 'linux.seccomp'
const EXITS = ['exit_group', 'exit']

export function checkFilter(
  { linux: { seccomp }, process, hooks }: Config,
  arch: ArchitectureName,
): { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] } {
  if (seccomp === undefined) return { problems: [], warnings: [] }
  const compiled = compileSeccomp(seccomp, { arch, needed: [...NEEDED, ...EXITS] })
  if (!('filter' in compiled)) return { problems: compiled.problems, warnings: [] }
  const problems: Problem[] = []
  const warnings: Problem[] = compiled.warnings.length === 0 ? [] : unknownCalls(seccomp)
  const { defaultAction, defaultErrnoRet } = seccomp
  if (defaultErrnoRet !== undefined && ignoresErrno(defaultAction))
    warnings.push({ path: `${PATH}.defaultErrnoRet`, message: `is ignored with ${defaultAction}` })
  const exits = compiled.denied.filter(({ name }) => EXITS.includes(name))
  const others = compiled.denied.filter(({ name }) => !EXITS.includes(name))
  const loading = process && loadingOf(process, compiled.listener)
  const fatal =
    process && loading ? fatalDenials(others, { loading, args: process.args, hooks: hooks.startContainer }) : []
  if (fatal.length > 0) {
    const without = isForTracer(fatal) ? ' without a tracer' : ''
    const list = isForTracer(fatal) ? warnings : problems
    list.push({ path: PATH, message: `${denialText(fatal)}: no program can start${without}` })
  }
  if (exits.length === EXITS.length)
    warnings.push({ path: PATH, message: `${denialText(exits)}: no process can end but by a signal` })
  return { problems, warnings }
}

/** The compiler's warning, one for each name. */
function unknownCalls({ syscalls }: Seccomp): Problem[] {
  const known = new Set(syscallNames())
  return syscalls.flatMap(({ names }, i) =>
    names.flatMap((name, j) => {
      if (known.has(name)) return []
      const suggestion = suggest(name, syscallNames())
      const path = `${PATH}.syscalls[${i}].names[${j}]`
      return [{ path, message: 'unknown system call, skipped', ...(suggestion !== undefined && { suggestion }) }]
    }),
  )
}
