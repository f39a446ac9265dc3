// Parses the command line, runs the command, and returns the exit status. No other file prints errors (`runt <command>
// <id>: …`, on standard error and in the log). The exit statuses of failures are runc's.

import type { GlobalFlags } from './cli/command-table.ts'
import { type Context, STDOUT } from './cli/context.ts'
import { helpPage, usageText } from './cli/help.ts'
import { type Log, openLog, printable } from './cli/log.ts'
import { type CommandLine, parseCommandLine } from './cli/parse.ts'
import { versionText } from './cli/version.ts'
import { commands } from './commands/commands.ts'
import { errnoPhrase, isNativeError } from './errno.ts'
import { RuntError } from './errors.ts'
import type { Native } from './native.ts'
import { weaken } from './weaken.ts'

const STDERR = 2
const OUT_OF_MEMORY = 'out of memory: the kernel gives the runtime no more'
const FAILED = 1
/** Every other status can be that of the command in the container. */
const EXEC_FAILED = 255

/** Runs the command line; resolves to the exit status. */
export async function main(native: Native, argv: readonly string[]): Promise<number> {
  weaken(native)
  const line = parseCommandLine(argv)
  const program = programName(native)
  if (line.kind !== 'command') return tell(native, line, program)
  const { globals, command, flags, positionals } = line
  const [id] = positionals
  const caller = `runt ${command}${id === undefined ? '' : ` ${id}`}`
  const say = (error: unknown): string => `${caller}: ${formatError(error)}`
  let log: Log
  try {
    log = openLog(native, globals, command, caller)
  } catch (error) {
    native.write(STDERR, `${printable(say(error))}\n`)
    return FAILED
  }
  const context: Context = { native, log, globals, program }
  try {
    return commands[command](context, flags as never, positionals)
  } catch (error) {
    log.error(say(error))
    if (isFault(error)) log.debug(error.stack ?? '')
    return command === 'exec' ? EXEC_FAILED : FAILED
  }
}

/**
 * The name of the program's file, so that a link named runc is runc; on Node the file is node, so the name is fixed.
 */
function programName(native: Native): string {
  const path = native.programName()
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === 'node' || name === '' ? 'runt' : name
}

function tell(native: Native, line: Exclude<CommandLine, { kind: 'command' }>, program: string): number {
  if (line.kind === 'version') {
    native.write(STDOUT, versionText(program))
    return 0
  }
  if (line.kind === 'help') {
    const page = helpPage(line.topic, program)
    native.write(page === undefined ? STDERR : STDOUT, page ?? `${printable(`No help topic for '${line.topic}'`)}\n`)
    return page === undefined ? FAILED : 0
  }
  const { problem, advice } = usageText(line.problem, program)
  reporter(native, line.globals)(problem)
  native.write(STDERR, advice)
  return FAILED
}

/**
 * Reports a wrong command line: also in the log, because engines show that; on standard error alone if there is none.
 */
function reporter(native: Native, globals: GlobalFlags): (message: string) => void {
  try {
    return openLog(native, globals).error
  } catch {
    return (message) => native.write(STDERR, `${printable(message)}\n`)
  }
}

/** Explains an engine error that a resource limit caused; null is thrown if there is no memory for an error. */
function limitReached(error: unknown): string | undefined {
  const message = error === null ? 'out of memory' : error instanceof Error ? error.message : ''
  if (message.startsWith('out of memory')) return `${OUT_OF_MEMORY}; see ulimit -v and ulimit -d`
  return message === 'stack overflow' ? 'out of memory for the stack; see ulimit -s and ulimit -v' : undefined
}

/** A RuntError is already a message; an error of the addon is turned into one; any other is a bug in runt. */
function formatError(error: unknown): string {
  if (error instanceof RuntError) return error.message
  if (isNativeError(error)) {
    return `${error.path === undefined ? '' : `${error.path}: `}${error.syscall}: ${errnoPhrase(error.code)}`
  }
  const limit = limitReached(error)
  if (limit !== undefined) return limit
  if (!(error instanceof Error)) return `internal error: ${String(error)}`
  return `internal error: ${error.message}`
}

/** Then --debug shows where it was thrown. */
const isFault = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof RuntError) && !isNativeError(error) && limitReached(error) === undefined
