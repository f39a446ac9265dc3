// Errnos as text: `ENOENT (no such file or directory)`. The texts are those of Go's syscall package, because engines
// search messages for them ("permission denied" becomes exit status 126, "no such file or directory" 127), and the same
// in both hosts, whatever their libc prints.

import { RuntError } from './errors.ts'
import type { NativeError } from './native.ts'

const texts: { readonly [code: string]: string } = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EAGAIN: 'resource temporarily unavailable',
  EBADF: 'bad file descriptor',
  EBUSY: 'device or resource busy',
  ECHILD: 'no child processes',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file exists',
  EFAULT: 'bad address',
  EFBIG: 'file too large',
  EINTR: 'interrupted system call',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  EMFILE: 'too many open files',
  EMLINK: 'too many links',
  ENAMETOOLONG: 'file name too long',
  ENFILE: 'too many open files in system',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
  ENOMEM: 'cannot allocate memory',
  ENOSPC: 'no space left on device',
  ENOSYS: 'function not implemented',
  ENOTCONN: 'transport endpoint is not connected',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTSOCK: 'socket operation on non-socket',
  ENOTTY: 'inappropriate ioctl for device',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'operation not supported',
  EPERM: 'operation not permitted',
  EPIPE: 'broken pipe',
  EPROTO: 'protocol error',
  EPROTOTYPE: 'protocol wrong type for socket',
  ERANGE: 'numerical result out of range',
  EROFS: 'read-only file system',
  ESRCH: 'no such process',
  ETIMEDOUT: 'connection timed out',
  ETXTBSY: 'text file busy',
  EUSERS: 'too many users',
  EXDEV: 'invalid cross-device link',
}

/** `no such file or directory`; the name if there is no text. */
export function errnoText(code: string): string {
  return texts[code] ?? code
}

/** `ENOENT (no such file or directory)`; the name alone if there is no text. */
export function errnoPhrase(code: string): string {
  const text = texts[code]
  return text === undefined ? code : `${code} (${text})`
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'code' in error && 'syscall' in error && !(error instanceof RuntError)
}

/** The errno's name, if the addon threw this. */
export function errnoOf(error: unknown): string | undefined {
  return isNativeError(error) ? error.code : undefined
}

/**
 * Turns an error of the addon into a message: `<object>: <system call>: <ERRNO> (<text>)[; hint]`. Returns any other error unchanged, so
 * that a bug in runt keeps its stack.
 */
export function hostFailure(object: string, error: unknown, hint = ''): unknown {
  if (!isNativeError(error)) return error
  return new RuntError(
    'host',
    `${object}: ${error.syscall}: ${errnoPhrase(error.code)}${hint === '' ? '' : `; ${hint}`}`,
    {
      path: object,
      cause: error,
    },
  )
}
