// The context of every command.

import type { Native } from '../native.ts'
import type { CommandName, FlagsOf, GlobalFlags } from './command-table.ts'
import type { Log } from './log.ts'

export interface Context {
  readonly native: Native
  readonly log: Log
  readonly globals: GlobalFlags
  /** The name the program was called by: help pages and --version begin with it. */
  readonly program: string
}

/** A command: does its work, or throws a RuntError. Returns the exit status. */
export type Run<C extends CommandName> = (context: Context, flags: FlagsOf<C>, positionals: readonly string[]) => number

export const STDOUT = 1
