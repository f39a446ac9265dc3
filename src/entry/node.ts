// The entry of the npm package and of the command line on Node: loads the addon as a .node file. The rest is the same
// code as in the static program.

import { createRequire } from 'node:module'
import type { Native } from '../native.ts'

export { main } from '../main.ts'

/** The addon; `#native` is resolved by package.json. */
export const native: Native = createRequire(import.meta.url)('#native')
