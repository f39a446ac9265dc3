// What every command gets. No decisions.

import type { CommandName, FlagsOf, GlobalFlags } from '../cli/command-table.ts'
import type { Log } from '../cli/log.ts'
import type { Native } from '../native.ts'

export interface Context {
  readonly native: Native
  readonly log: Log
  readonly globals: GlobalFlags
  /** What the program was called: help pages and --version begin with it. */
  readonly program: string
}

/** A command: does its work, or throws a RuntError. The result is the exit status. */
export type Run<C extends CommandName> = (
  context: Context,
  flags: FlagsOf<C>,
  positionals: readonly string[],
) => number | Promise<number>

export const STDOUT = 1
