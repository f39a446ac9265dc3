// Where messages go and in which form: lines as logrus writes them for runc, because engines parse them (--log,
// --log-format). A log that cannot be opened is a mistake of the caller; one that cannot be written to later (a full disk)
// never fails a command.

import { hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'
import type { GlobalFlags } from './command-table.ts'

export type LogLevel = 'debug' | 'warning' | 'error'

export interface Log {
  readonly debug: (message: string) => void
  readonly warn: (message: string) => void
  /** For main.ts only: everything else throws. */
  readonly error: (message: string) => void
}

const STDERR = 2
const LOG_MODE = 0o644

export function openLog(native: Native, globals: Pick<GlobalFlags, 'log' | 'log-format' | 'debug'>): Log {
  const file = globals.log === '' ? undefined : globals.log
  if (file !== undefined) checkFile(native, file)
  const format = globals['log-format'] === 'json' ? jsonLine : textLine
  const put = (level: LogLevel, message: string): void => {
    const line = format(level, message, `${native.now().slice(0, 19)}Z`)
    try {
      if (file === undefined) native.write(STDERR, line)
      else native.appendFile(file, line, LOG_MODE)
    } catch {
      // A log that cannot be written must not change what a command does.
    }
  }
  return {
    debug: (message) => {
      if (globals.debug) put('debug', message)
    },
    warn: (message) => put('warning', message),
    error: (message) => {
      const plain = file !== undefined || globals['log-format'] !== 'json'
      if (file !== undefined || !plain) put('error', message)
      if (plain) writeQuietly(native, `${printable(message)}\n`)
    },
  }
}

/** An image or a pod chooses names that errors repeat: none of them may move the cursor or colour the caller's terminal. */
export const printable = (message: string): string =>
  /[^\P{Cc}\n\t]/u.test(message)
    ? message.replace(/[^\P{Cc}\n\t]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : message

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
    // Nobody is listening any more.
  }
}

export function textLine(level: LogLevel, message: string, time: string): string {
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`
}

export function jsonLine(level: LogLevel, message: string, time: string): string {
  return `${JSON.stringify({ level, msg: message, time })}\n`
}
