// Options of the file systems that containers usually have, for suggestions and for `validate --no-host`. From tmpfs(5), proc(5),
// overlayfs.rst, cgroup-v2.rst and devpts.rst of the kernel. A newer kernel may know more.

import { suggest } from '../suggest.ts'
import { knownMountOptions } from './mount-options.ts'

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

export const isKnownType = (type: string): boolean => options[type] !== undefined

/** Of the file system itself, without those of every mount. */
export const optionsOf = (type: string): string[] => (options[type] ?? '').split(/\s+/).filter((key) => key !== '')

/** The option of a mount that was probably meant. */
export function suggestOption(key: string, type: string): string | undefined {
  return suggest(key, [...optionsOf(type), ...knownMountOptions()])
}
