// The output of `--version`, in the form that engines parse: dockerd splits the first line at "version" and looks for
// "commit:", go-runc expects the line to begin with "runc version", so a link named runc prints that.

import { version } from '../../package.json'
import { weakenedSuffix } from '../weaken.ts'

export const VERSION: string = `${version}${weakenedSuffix}`
export const SPEC_VERSION = '1.3.0'

/** Set by the build if it knows the commit. */
declare const RUNT_COMMIT: string | undefined

export function versionText(program: string): string {
  const commit = typeof RUNT_COMMIT === 'string' ? RUNT_COMMIT : `v${VERSION}`
  return `${program} version ${VERSION}\ncommit: ${commit}\nspec: ${SPEC_VERSION}\n`
}
