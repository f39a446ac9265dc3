// The filter of `run --seccomp-log`: the profile's, but a denied call notifies the runtime, which reports it and
// responds as the profile would (seccomp_unotify(2)). SCMP_ACT_TRAP is unchanged, because a listener cannot send that
// signal.

import { ARCHITECTURES, type ArchitectureName, syscallNumber } from 'seccomp-bpf-js'

/**
 * Calls of init between loading the filter and execve(2): the runtime does not respond yet, so they are never reported and get the
 * profile's action at once.
 */
const BY_INIT = (
  'write read recvmsg recvfrom close close_range fcntl execve execveat exit exit_group rt_sigaction rt_sigprocmask rt_sigreturn ' +
  'prctl capset setgroups setresgid setresuid chdir fchdir fstat newfstatat statx fchown umask open openat openat2 access ' +
  'faccessat faccessat2 lseek mmap munmap brk'
).split(' ')

const SIZE = 8 // struct sock_filter
const [LOAD, JUMP, JUMP_EQUAL, RETURN] = [0x20, 0x05, 0x15, 0x06]
const [OFFSET_NUMBER, OFFSET_ARCH] = [0, 4]
const ACTION = 0xffff0000
const [KILL_PROCESS, KILL_THREAD, ERRNO, NOTIFY] = [0x80000000, 0, 0x00050000, 0x7fc00000]

/**
 * Combines two copies of the profile's filter: unchanged for init's own calls and `more`; for all others, notifications
 * instead of denials.
 */
export function askingFilter(filter: Uint8Array, archName: ArchitectureName, more: readonly string[]): Uint8Array {
  const arch = ARCHITECTURES[archName]
  const little = arch.endian === 'little'
  const numbers = [...BY_INIT, ...more].map((name) => syscallNumber(arch, name)).filter((number) => number >= 0)
  const [head, length] = [numbers.length + 5, filter.length / SIZE]
  const bytes = new Uint8Array((head + 2 * length) * SIZE)
  const view = new DataView(bytes.buffer)
  let at = 0
  const put = (code: number, jt: number, k: number): void => {
    view.setUint16(at * SIZE, code, little)
    view.setUint8(at * SIZE + 2, jt)
    view.setUint32(at * SIZE + 4, k, little)
    at++
  }
  const ask = (): void => put(JUMP, 0, head + length - at - 1)
  put(LOAD, 0, OFFSET_ARCH)
  put(JUMP_EQUAL, 1, arch.audit)
  ask()
  put(LOAD, 0, OFFSET_NUMBER)
  for (const number of numbers) put(JUMP_EQUAL, head - at - 1, number)
  ask()
  bytes.set(filter, head * SIZE)
  bytes.set(filter, (head + length) * SIZE)
  for (at = head + length; at < head + 2 * length; at++) {
    if (view.getUint16(at * SIZE, little) !== RETURN) continue
    const action = (view.getUint32(at * SIZE + 4, little) & ACTION) >>> 0
    if (action === KILL_PROCESS || action === KILL_THREAD || action === ERRNO)
      view.setUint32(at * SIZE + 4, NOTIFY, little)
  }
  return bytes
}
