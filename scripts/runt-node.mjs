// The command line on Node: passes the addon and the arguments to main(), as the static host does. Copied to build/.
import { main, native } from './node/index.mjs'

// The descriptors that runt-node's shell found open: Node has opened its own in the gaps.
const inherited = process.env.RUNT_NODE_FDS?.trim().split(' ')
delete process.env.RUNT_NODE_FDS
const readDirectory = (path) =>
  inherited !== undefined && path === '/proc/self/fd' ? inherited : native.readDirectory(path)

process.exitCode = await main({ ...native, readDirectory }, process.argv.slice(2))
