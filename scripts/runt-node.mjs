// The command line on Node: hands the addon and the arguments to main(), as the static host does. Lies in build/.
import { main, native } from './node/index.mjs'

process.exitCode = await main(native, process.argv.slice(2))
