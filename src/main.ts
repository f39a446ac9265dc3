// Placeholder until the command line is in: prints the version.

import type { Native } from './native.ts'

/** Runs the command line; resolves to the exit status. */
export const main = async (native: Native, argv: readonly string[]): Promise<number> => {
  native.write(1, `runt placeholder ${argv.join(' ')}\n`)
  return 0
}
