// Errnos in what the seccomp compiler prints.

import { errnoNames } from '../config/kernel-names.ts'

/** `ERRNO(EPERM)` for `ERRNO(1)`. */
export const withErrnoName = (text: string): string =>
  text.replace(/ERRNO\((\d+)\)/g, (all, number: string) => {
    const name = errnoNames[Number(number)] ?? '-'
    return name === '-' ? all : `ERRNO(${name})`
  })
