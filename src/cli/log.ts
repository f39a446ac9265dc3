// Writes messages in logrus's format, as runc does, because engines parse it (--log, --log-format), and on a terminal in
// the form of an error: `runt run web: warning: …`. It is an error of the caller if the log cannot be opened; later write
// errors (a full disk) never fail a command.

import { hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'
import type { CommandName, GlobalFlags } from './command-table.ts'

export type LogLevel = 'debug' | 'warning' | 'error'

export interface Log {
  readonly debug: (message: string) => void
  readonly warn: (message: string) => void
  /** A warning that the caller asked for by a flag. It is always shown. */
  readonly report: (message: string) => void
  /** For main.ts, because all others throw, and for what ended a container in the foreground (supervise-container.ts). */
  readonly error: (message: string) => void
}

const STDERR = 2
const LOG_MODE = 0o644

/** --debug, or crun's --log-level. */
export const wantsDebug = (globals: Pick<GlobalFlags, 'debug' | 'log-level'>): boolean =>
  globals.debug || globals['log-level'] === 'debug'

/**
 * Commands whose standard error becomes that of a container's process. Engines treat all of it as the program's output.
 */
const SHARED_STDERR: ReadonlySet<CommandName> = new Set(['create', 'start', 'run', 'exec', 'restore'])

/** `command` is undefined if there is none to run. `caller` begins the messages on a terminal: `runt run web`. */
export function openLog(
  native: Native,
  globals: Pick<GlobalFlags, 'log' | 'log-format' | 'log-level' | 'debug'>,
  command?: CommandName,
  caller = 'runt',
): Log {
  const file = globals.log === '' ? undefined : globals.log
  if (file !== undefined) checkFile(native, file)
  const isJson = globals['log-format'] === 'json'
  const begin = wantsDebug(globals) ? native.uptime() : 0
  // Asked for at the first message only: most commands log nothing.
  const isOnTerminal = (): boolean => file === undefined && !isJson && native.isTerminal(STDERR)
  const format = (level: LogLevel, message: string): string => {
    const time = `${native.now().slice(0, 19)}Z`
    if (isJson) return jsonLine(level, message, time)
    if (!isOnTerminal()) return textLine(level, message, time)
    const label = level === 'debug' ? `debug: +${Math.round(native.uptime() - begin)} ms` : level
    return `${caller}: ${coloured(native, level, `${label}:`)} ${printable(message)}\n`
  }
  const put = (level: LogLevel, message: string): void => {
    const line = format(level, message)
    try {
      if (file === undefined) native.write(STDERR, line)
      else native.appendFile(file, line, LOG_MODE)
    } catch {
      // a log that cannot be written must not change what a command does
    }
  }
  return {
    debug: (message) => {
      if (wantsDebug(globals)) put('debug', message)
    },
    warn: (message) => {
      if (showsWarnings(native, globals, command)) put('warning', message)
    },
    report: (message) => put('warning', message),
    error: (message) => {
      if (file !== undefined || isJson) put('error', message)
      if (file === undefined && isJson) return
      const who = message.startsWith(`${caller}:`) ? `${caller}:` : ''
      const named = isOnTerminal() ? coloured(native, 'error', printable(who)) : printable(who)
      writeQuietly(native, `${named}${printable(message.slice(who.length))}\n`)
    },
  }
}

function showsWarnings(
  native: Native,
  globals: Pick<GlobalFlags, 'log' | 'log-level' | 'debug'>,
  command: CommandName | undefined,
): boolean {
  if (wantsDebug(globals)) return true
  if (globals['log-level'] === 'error') return false
  const isShared = !globals.log && command !== undefined && SHARED_STDERR.has(command)
  return !isShared || native.isTerminal(STDERR)
}

/** SGR parameters (console_codes(4)). */
const colours: Readonly<Record<LogLevel, number>> = { error: 31, warning: 33, debug: 2 }

/** For a terminal, unless NO_COLOR is set, to anything but nothing, or the terminal has no colours. */
function coloured(native: Native, level: LogLevel, text: string): string {
  if (text === '' || native.env('NO_COLOR') || native.env('TERM') === 'dumb') return text
  return `\x1b[${colours[level]}m${text}\x1b[0m`
}

/** Control characters except tabs, line and paragraph separators, and characters that change the direction of text. */
const UNPRINTABLE = /[^\P{Cc}\t]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * Escapes characters that control a terminal or begin a new line: images and pods choose names that errors contain, and
 * these must not look like another message.
 */
export const printable = (message: string): string => message.replace(UNPRINTABLE, escaped)

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}

/** JSON.stringify does not escape all of them. */
const quoted = (value: unknown): string =>
  JSON.stringify(value).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

function checkFile(native: Native, file: string): void {
  try {
    native.appendFile(file, '', LOG_MODE)
  } catch (error) {
    throw hostFailure(`--log ${file}`, error)
  }
}

function writeQuietly(native: Native, text: string): void {
  try {
    native.write(STDERR, text)
  } catch {
    // the reader has gone
  }
}

export function textLine(level: LogLevel, message: string, time: string): string {
  return `time="${time}" level=${level} msg=${quoted(message)}\n`
}

export function jsonLine(level: LogLevel, message: string, time: string): string {
  return `${quoted({ level, msg: message, time })}\n`
}
