// Lets Node load .ts files that contain JavaScript, which coverage.sh makes with esbuild: one file for each source,
// because coverage of bundles cannot be mapped back. Used with --import.
import { register } from 'node:module'

const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith('.ts') ? { ...context, format: 'module' } : context)`

register(`data:text/javascript,${encodeURIComponent(hook)}`)
