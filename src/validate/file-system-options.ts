// Options of mounts that no usual file system knows, for `--no-host`.

import { quote } from '../config/rule.ts'
import { isKnownType, optionsOf, suggestOption } from '../plan/known-options.ts'
import { splitData } from '../plan/mount-data.ts'
import { knownMountOptions, readMountOptions } from '../plan/mount-options.ts'
import type { ConfigCheck } from './check.ts'
import { isBind } from './mount-checks.ts'

/** Of every file system, for SELinux and Smack. */
const ofLabels = 'context fscontext defcontext rootcontext seclabel smackfsdef smackfsroot smackfshat smackfstransmute'

/** Without the host nobody can be asked: so these are warnings. */
export const checkKnownOptions: ConfigCheck = ({ config, warn }) => {
  for (const [i, mount] of config.mounts.entries()) {
    const type = mount.type ?? ''
    if (isBind(mount) || !isKnownType(type)) continue
    const known = new Set([...optionsOf(type), ...ofLabels.split(' '), ...knownMountOptions()])
    for (const { text, index = 0 } of splitData(type, readMountOptions(mount.options).data)) {
      const [key = ''] = text.split('=', 1)
      if (known.has(key)) continue
      warn(`mounts[${i}].options[${index}]`, `${quote(text)} is no known option of ${type}`, suggestOption(key, type))
    }
  }
}
