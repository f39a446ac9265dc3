// From arguments to an exit status: parses the command line, runs the command, and is the one place that prints an error
// (`runt <command> <id>: …`, on standard error and in the log). Decides the exit status of failures: runc's.

import type { GlobalFlags } from './cli/command-table.ts'
import { type Log, openLog } from './cli/log.ts'
import { type CommandLine, parseCommandLine } from './cli/parse.ts'
import { type Context, STDOUT } from './commands/context.ts'
import { loadCommand } from './commands/load-command.ts'
import { errnoPhrase, isNativeError } from './errno.ts'
import { RuntError } from './errors.ts'
import type { Native } from './native.ts'
import { weaken } from './weaken.ts'

const STDERR = 2
const OUT_OF_MEMORY = 'out of memory: the kernel gives the runtime no more'
const FAILED = 1
/** Every other status is one that the command in the container may have. */
const EXEC_FAILED = 255

/** Runs the command line; resolves to the exit status. */
export async function main(native: Native, argv: readonly string[]): Promise<number> {
  weaken(native)
  const line = parseCommandLine(argv)
  const program = programName(native)
  if (line.kind !== 'command') return tell(native, line, program)
  const { globals, command, flags, positionals } = line
  const [id] = positionals
  const say = (error: unknown): string =>
    `runt ${command}${id === undefined ? '' : ` ${id}`}: ${sentence(error, globals.debug)}`
  let log: Log
  try {
    log = openLog(native, globals)
  } catch (error) {
    native.write(STDERR, `${say(error)}\n`)
    return FAILED
  }
  const context: Context = { native, log, globals, program }
  try {
    const run = await loadCommand(command)
    return await run(context, flags as never, positionals)
  } catch (error) {
    log.error(say(error))
    return command === 'exec' ? EXEC_FAILED : FAILED
  }
}

/** On Node the program is node; everything else is called by its file's name, so that a link named runc is runc. */
function programName(native: Native): string {
  const path = native.programName()
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === 'node' || name === '' ? 'runt' : name
}

async function tell(native: Native, line: Exclude<CommandLine, { kind: 'command' }>, program: string): Promise<number> {
  if (line.kind === 'version') {
    const { versionText } = await import('./cli/version.ts')
    native.write(STDOUT, versionText(program))
    return 0
  }
  const { helpPage, usageText } = await import('./cli/help.ts')
  if (line.kind === 'help') {
    const page = helpPage(line.topic, program)
    native.write(page === undefined ? STDERR : STDOUT, page ?? `No help topic for '${line.topic}'\n`)
    return page === undefined ? FAILED : 0
  }
  const { problem, advice } = usageText(line.problem, program)
  reporter(native, line.globals)(problem)
  native.write(STDERR, advice)
  return FAILED
}

/** Where a wrong command line is told: in the log too, for that is what engines show; on standard error alone if there is none. */
function reporter(native: Native, globals: GlobalFlags): (message: string) => void {
  try {
    return openLog(native, globals).error
  } catch {
    return (message) => native.write(STDERR, `${message}\n`)
  }
}

/** What of the engine's errors is no fault of ours; null is thrown where there was no memory for an error. */
function limitReached(error: unknown): string | undefined {
  const message = error === null ? 'out of memory' : error instanceof Error ? error.message : ''
  if (message.startsWith('out of memory')) return `${OUT_OF_MEMORY}; see ulimit -v and ulimit -d`
  return message === 'stack overflow' ? 'out of memory for the stack; see ulimit -s and ulimit -v' : undefined
}

/** A RuntError is a sentence already; what the addon threw unwrapped becomes one; the rest is a fault of ours. */
function sentence(error: unknown, debug: boolean): string {
  if (error instanceof RuntError) return error.message
  if (isNativeError(error)) {
    return `${error.path === undefined ? '' : `${error.path}: `}${error.syscall}: ${errnoPhrase(error.code)}`
  }
  const limit = limitReached(error)
  if (limit !== undefined) return limit
  if (!(error instanceof Error)) return `internal error: ${String(error)}`
  return `internal error: ${error.message}${debug ? `\n${error.stack ?? ''}` : ''}`
}
