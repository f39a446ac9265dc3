// Lets Node load .ts files that contain JavaScript, which coverage.sh makes with esbuild: one file for each source,
// because coverage of bundles cannot be mapped back. Used with --import.
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'
import { yargsParts } from './yargs-parts.mjs'

const parts = Object.fromEntries(Object.entries(yargsParts).map(([name, path]) => [name, pathToFileURL(path).href]))
const hook = `const parts = ${JSON.stringify(parts)}
export const resolve = (name, context, next) => next(parts[name] ?? name, context)
export const load = (url, context, next) =>
  next(url, url.endsWith('.ts') ? { ...context, format: 'module' } : context)`

register(`data:text/javascript,${encodeURIComponent(hook)}`)
