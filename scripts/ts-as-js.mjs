// Lets Node load files that are called .ts and hold JavaScript, which is what coverage.sh has esbuild write: one file
// for each source, because coverage of bundles cannot be traced back. Used with --import.
import { register } from 'node:module'

const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith('.ts') ? { ...context, format: 'module' } : context)`

register(`data:text/javascript,${encodeURIComponent(hook)}`)
