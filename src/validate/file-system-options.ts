// Options of the file systems that containers usually have, for suggestions and for `--no-host`. From tmpfs(5), proc(5),
// overlayfs.rst, cgroup-v2.rst and devpts.rst of the kernel. A newer kernel may know more.

import { quote } from '../config/rule.ts'
import { knownMountOptions, readMountOptions } from '../plan/mount-options.ts'
import { suggest } from '../suggest.ts'
import type { ConfigCheck } from './check.ts'
import { isBind } from './mount-checks.ts'

const options: Readonly<Record<string, string>> = {
  __proto__: null as never,
  tmpfs: `size nr_blocks nr_inodes mode uid gid huge mpol inode32 inode64 noswap quota usrquota grpquota
    usrquota_block_hardlimit usrquota_inode_hardlimit grpquota_block_hardlimit grpquota_inode_hardlimit casefold
    strict_encoding`,
  proc: 'hidepid gid subset pidns',
  devpts: 'newinstance ptmxmode mode uid gid max',
  sysfs: '',
  mqueue: '',
  cgroup2: `nsdelegate favordynmods nofavordynmods memory_localevents memory_recursiveprot memory_hugetlb_accounting
    pids_localevents`,
  overlay: `lowerdir upperdir workdir lowerdir+ datadir+ default_permissions redirect_dir index uuid nfs_export userxattr
    xino metacopy verity volatile override_creds nooverride_creds`,
}

/** Of every file system, for SELinux and Smack. */
const ofLabels = 'context fscontext defcontext rootcontext seclabel smackfsdef smackfsroot smackfshat smackfstransmute'

const keysOf = (type: string): string[] => (options[type] ?? '').split(/\s+/).filter((key) => key !== '')

/** The option of a mount that was probably meant. */
export function suggestOption(key: string, type: string): string | undefined {
  return suggest(key, [...keysOf(type), ...knownMountOptions()])
}

/** Without the host nobody can be asked: so these are warnings. */
export const checkKnownOptions: ConfigCheck = ({ config, warn }) => {
  for (const [i, mount] of config.mounts.entries()) {
    const type = mount.type ?? ''
    if (isBind(mount) || options[type] === undefined) continue
    const known = new Set([...keysOf(type), ...ofLabels.split(' '), ...knownMountOptions()])
    for (const { text, index = 0 } of readMountOptions(mount.options).data)
      for (const part of type === 'overlay' ? [text] : text.split(',')) {
        const [key = ''] = part.split('=', 1)
        if (known.has(key)) continue
        warn(`mounts[${i}].options[${index}]`, `${quote(part)} is no known option of ${type}`, suggestOption(key, type))
      }
  }
}
