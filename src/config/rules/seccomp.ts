/**
 * config-linux.md "Seccomp". As in runc, the runtime's own last system calls must not notify an agent, which could not
 * respond yet. seccomp-bpf-js interprets the filter and knows the system calls.
 */

import type { Config, Seccomp, SeccompAction, SeccompSyscall } from '../config.ts'
import type { Report } from '../rule.ts'

const NOTIFY = 'SCMP_ACT_NOTIFY'
const MAX_ARGUMENT = 5

export function checkSeccomp({ linux: { seccomp } }: Config, report: Report): void {
  if (seccomp === undefined) return
  const path = 'linux.seccomp'
  if (seccomp.defaultAction === NOTIFY) report(`${path}.defaultAction`, `${NOTIFY} cannot be the default`)
  if (!ignoresErrno(seccomp.defaultAction))
    checkErrno(seccomp.defaultAction, seccomp.defaultErrnoRet, `${path}.defaultErrnoRet`, report)
  checkListener(seccomp, path, report)
  const { syscalls } = seccomp
  for (let i = 0; i < syscalls.length; i++) {
    checkSyscall(syscalls[i] as SeccompSyscall, `${path}.syscalls[${i}]`, report)
  }
}

function checkListener({ listenerPath, listenerMetadata, syscalls }: Seccomp, path: string, report: Report): void {
  if (listenerPath !== undefined) return
  if (listenerMetadata !== undefined) report(`${path}.listenerMetadata`, 'needs listenerPath')
  if (syscalls.some(({ action }) => action === NOTIFY)) report(`${path}.listenerPath`, `is required for ${NOTIFY}`)
}

function checkSyscall({ names, action, errnoRet, args }: SeccompSyscall, path: string, report: Report): void {
  checkErrno(action, errnoRet, `${path}.errnoRet`, report)
  if (action === NOTIFY && names.includes('write'))
    report(`${path}.action`, `${NOTIFY} cannot be used for the write syscall`)
  for (let i = 0; i < args.length; i++) {
    const index = args[i]?.index ?? 0
    if (index > MAX_ARGUMENT) report(`${path}.args[${i}].index`, `must be from 0 to ${MAX_ARGUMENT}, not ${index}`)
  }
}

/** The maximum of errnoRet: the kernel's largest errno, and 16 bits for a tracer. */
const maxErrno: Partial<Record<SeccompAction, number>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 }

function checkErrno(action: SeccompAction, errno: number | undefined, path: string, report: Report): void {
  if (errno === undefined) return
  const most = maxErrno[action]
  if (most === undefined) report(path, `does not go with ${action}`)
  else if (errno > most) report(path, `must be from 0 to ${most}, not ${errno}`)
}

/** Whether `defaultErrnoRet` is ignored with this default action, as in runc. */
export function ignoresErrno(action: SeccompAction): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG'
}
