// Why the program of a container cannot be executed (execve(2)).

import type { Process } from '../config/config.ts'
import { attempt } from '../errors.ts'
import { isForeign, quoted, readExecutable } from './executable.ts'
import { octal } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'
import { requiredCapabilities } from './file-capabilities.ts'
import { type FoundFile, findFile, findProgram } from './find-program.ts'
import { hostId, isAllowed } from './search-path.ts'

const EXECUTE = 1

const pathOf = ({ env }: Process): string | undefined =>
  env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length)

const notFound: Hint = (failure) => {
  const { step, config } = failure
  if (step.op !== 'find_executable' || config?.process === undefined) return undefined
  const program = config.process.args[0] ?? ''
  if (program.includes('/'))
    return findFile(failure, program.startsWith('/') ? program : `${config.process.cwd}/${program}`) === 'missing'
      ? missingPath(program)
      : undefined
  const path = pathOf(config.process)
  const where = path === undefined ? 'process.env has no PATH, so the usual directories were' : `PATH=${path} was`
  return `${where} searched in the root file system: give a path, install the program, or correct PATH`
}

const missingPath = (program: string): string =>
  `${quoted(program)} is searched in the root file system, not on the host`

/** Whether the container's user may execute it, by owner and mode. Its capabilities do not help without any x. */
function modeForbids({ config }: Failure, { file }: FoundFile): boolean {
  if ((file.mode & 0o111) === 0) return true
  const user = config?.process?.user
  const { uidMappings, gidMappings } = config?.linux ?? { uidMappings: [], gidMappings: [] }
  if (user === undefined || user.uid === 0 || user.additionalGids.length > 0) return false
  const uid = uidMappings.length === 0 ? user.uid : hostId(uidMappings, user.uid)
  const gid = gidMappings.length === 0 ? user.gid : hostId(gidMappings, user.gid)
  return uid !== undefined && gid !== undefined && !isAllowed(file, { uid, gid }, EXECUTE)
}

const refused: Hint = (failure) => {
  const found = findProgram(failure)
  if (found === undefined) return undefined
  const { file, path, isNoexec } = found
  if (file.kind === 'directory') return directory(failure)
  if (file.kind !== 'file') return `${quoted(path)} is no regular file but a ${file.kind}`
  if (isNoexec) return `${quoted(path)} is on a mount with the option noexec: mount it with exec`
  if (modeForbids(failure, found)) {
    const whose = `its mode is ${octal(file.mode)}, its owner ${file.uid}:${file.gid}`
    return `${(file.mode & 0o111) === 0 ? `its mode is ${octal(file.mode)}` : whose}: chmod +x it in the image`
  }
  return unsearchableFor(failure, path)
}

/** A directory of the image that the container's user cannot search. */
function unsearchableFor(failure: Failure, path: string): string | undefined {
  const names = path.split('/').slice(1, -1)
  for (let count = 1; count <= names.length; count++) {
    const way = `/${names.slice(0, count).join('/')}`
    const found = findFile(failure, way)
    if (found === undefined || found === 'missing') return undefined
    const { file } = found
    if (file.kind !== 'directory' || !modeForbids(failure, found)) continue
    return `the user cannot search ${quoted(way)} (mode ${octal(file.mode)}, owner ${file.uid}:${file.gid}): chmod +x it in the image`
  }
  return undefined
}

const directory: Hint = ({ config }) => {
  const program = config?.process?.args[0]
  return program === undefined ? undefined : `process.args[0] must name a program in ${quoted(program)}`
}

/** execve(2), ENOENT, of a program that exists: what its #! line or its header names does not. */
const interpreter: Hint = (failure) => {
  const found = findProgram(failure)
  const program = found && readExecutable(found.file.head)
  if (program?.kind === 'script') return scriptHint(failure, program.interpreter, program.line)
  if (program?.kind !== 'elf' || program.loader === undefined) return undefined
  if (findFile(failure, program.loader) !== 'missing') return undefined
  return `its dynamic loader ${quoted(program.loader)} is not in the root file system: install the C library it was linked with, or link it statically`
}

function scriptHint(failure: Failure, name: string, line: string): string | undefined {
  if (line.endsWith('\r'))
    return `its #! line ends with a carriage return (CRLF), so ${quoted(name)} is searched: save it with LF`
  if (!name.startsWith('/') || findFile(failure, name) !== 'missing') return undefined
  return `its interpreter ${quoted(name)} (#! line) is not in the root file system: install it`
}

const format: Hint = (failure) => {
  const found = findProgram(failure)
  if (found === undefined) return undefined
  const program = readExecutable(found.file.head)
  if (program.kind === 'other') {
    if (program.isEmpty) return 'the file is empty'
    return program.isText
      ? 'the file is text without a #! line: begin it with one, such as #!/bin/sh'
      : 'the file is neither an ELF program nor a script with a #! line'
  }
  const host = attempt(() => failure.native.probe().machine)
  if (program.kind === 'script' || host === undefined || !isForeign(program.machine, host)) return undefined
  return `the program is for ${program.machine}, this machine is ${host}: use an image for ${host}, or register an emulator (binfmt_misc)`
}

/** execve(2), EPERM: file capabilities that the process cannot get. */
const permitted: Hint = (failure) => {
  const found = findProgram(failure)
  const bounding = failure.config?.process?.capabilities?.bounding ?? []
  const required = found && requiredCapabilities(found.file.capabilities)
  const missing = required?.filter((name) => !bounding.includes(name)) ?? []
  if (missing.length > 0)
    return `file capabilities ${missing.join(', ')} are not in process.capabilities.bounding: add them, or remove them from the file with setcap -r`
  return labelRefused(failure)
}

/** With no_new_privs SELinux only permits the transitions that its policy names. */
function labelRefused({ native, config }: Failure): string | undefined {
  const process = config?.process
  if (!process?.selinuxLabel || attempt(() => native.probe().selinux) !== true) return undefined
  return `SELinux's policy may forbid the transition to process.selinuxLabel${process.noNewPrivileges ? ' with process.noNewPrivileges' : ''}: see ausearch -m avc`
}

export const programHints: Hints = {
  'find_executable ENOENT': notFound,
  'find_executable EACCES': refused,
  'find_executable EISDIR': directory,
  'execve EACCES': refused,
  'execve ENOENT': interpreter,
  'execve ENOEXEC': format,
  'execve EPERM': permitted,
}
