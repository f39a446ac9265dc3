// Why a hook cannot be run: a host path for all of them but startContainer, which is inside the root file system (config.md,
// "POSIX-platform Hooks").

import { attempt } from '../errors.ts'
import { readExecutable } from './executable.ts'
import { firstMissing, octal } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'

/** Hooks in the runtime namespace: their paths are of the host. */
const hostPath = ({ step }: Failure): string | undefined =>
  step.op === 'run_hook' && !step.from.startsWith('hooks.startContainer') ? step.path : undefined

const missing: Hint = (failure) => {
  const path = hostPath(failure)
  if (path === undefined) return undefined
  const gone = firstMissing(failure.native, path)
  if (gone !== undefined) return `${gone} does not exist on the host: install the hook, or correct its path`
  const head = attempt(() => failure.native.lookInRoot('/', path))?.head
  const program = head && readExecutable(head)
  if (program?.kind !== 'script' || attempt(() => failure.native.exists(program.interpreter)) !== false)
    return undefined
  return `the interpreter of its #! line, ${JSON.stringify(program.interpreter)}, does not exist on the host`
}

const refused: Hint = (failure) => {
  const path = hostPath(failure)
  const file = path && attempt(() => failure.native.lookInRoot('/', path))
  if (!file) return undefined
  if (file.kind !== 'file') return `the path is that of a ${file.kind}`
  if (file.isNoexec) return 'the file is on a mount with the option noexec'
  return (file.mode & 0o111) === 0 ? `its mode is ${octal(file.mode)}: chmod +x it` : undefined
}

const format: Hint = (failure) => {
  const path = hostPath(failure)
  const head = path && attempt(() => failure.native.lookInRoot('/', path))?.head
  const program = head && readExecutable(head)
  return program && program.kind === 'other' && program.isText
    ? 'the file is text without a #! line: begin it with one, such as #!/bin/sh'
    : undefined
}

/** The timeout is the only cause of ETIMEDOUT. */
const late: Hint = ({ step }) => {
  const property = step.from.replace(/ \(.*/s, '')
  return `the limit is ${property}.timeout: raise it, or make the hook end sooner`
}

export const hookHints: Hints = {
  'run_hook ENOENT': missing,
  'run_hook EACCES': refused,
  'run_hook ENOEXEC': format,
  'run_hook ETIMEDOUT': late,
}
