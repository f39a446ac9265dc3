// Seccomp profiles that deny a call init needs: which calls these are, and the messages. A profile may suit the program
// and still be too strict for the runtime; callers decide whether to continue.
import { type DeniedCall, describeAction } from 'seccomp-bpf-js'
import type { Hook, Process } from '../config/config.ts'
import { RuntError } from '../errors.ts'

const SECCOMP = 'linux.seccomp'

/** Calls that init needs to run a hook. */
const BY_HOOKS = ['memfd_create', 'clone', 'waitid']
/** All calls that init may need after it has loaded the filter: see fatalDenials. */
export const NEEDED: readonly string[] = ['capset', 'write', 'read', 'execve', ...BY_HOOKS]

/** How early init loads the filter: see SeccompSteps. */
export type Loading = 'privileged' | 'delivered' | 'last'

/** When the filter of a process is loaded. */
export const loadingOf = ({ noNewPrivileges }: Process, listener: boolean): Loading =>
  !noNewPrivileges ? 'privileged' : listener ? 'delivered' : 'last'

/** What init does under the filter. Without `args` it executes nothing. */
export interface UnderFilter {
  readonly loading: Loading
  readonly args: readonly string[]
  /** Hooks that run under the filter: startContainer. */
  readonly hooks: readonly Hook[]
}

/** The denied calls that init needs after it has loaded the filter. */
export function fatalDenials(denied: readonly DeniedCall[], { loading, args, hooks }: UnderFilter): DeniedCall[] {
  return denied.filter(({ name }) => {
    if (name === 'execve') return args.length > 0
    if (BY_HOOKS.includes(name)) return args.length > 0 && hooks.length > 0
    return loading === 'privileged' || (loading === 'delivered' && name !== 'capset')
  })
}

/** Whether a tracer could allow the calls (ptrace(2), PTRACE_O_TRACESECCOMP). */
export const isForTracer = (denied: readonly DeniedCall[]): boolean =>
  denied.every(({ action }) => describeAction(action).startsWith('TRACE'))

/** `the profile denies execve (ERRNO(1))` */
export const denialText = (denied: readonly DeniedCall[]): string =>
  `the profile denies ${denied.map(({ name, action }) => `${name} (${describeAction(action)})`).join(', ')}`

/** The error if init cannot execute the program; init may not be able to report that itself. */
export const describeDenied = (denied: readonly DeniedCall[]): RuntError =>
  new RuntError('config', `${SECCOMP}: ${denialText(denied)}: no program can start`, { path: SECCOMP })

const [SIGSYS, SIGILL] = ['signal 31', 'signal 4']
/** How init ends if it cannot report: exit(2), SIGSYS, or SIGILL if the filter denies even exit (machine_exit). */
const SILENT_ENDS = ['status 1', SIGSYS, SIGILL]

/** Explains a silent end of init by seccomp, undefined if seccomp is not the cause. `loads`: the plan has a filter. */
export function describeSilentEnd(
  detail: string,
  denied: readonly DeniedCall[],
  loads: boolean,
): { readonly path: string | undefined; readonly name: string; readonly advice: string } | undefined {
  if (!SILENT_ENDS.some((end) => detail.endsWith(end))) return undefined
  const name = detail.endsWith(SIGSYS) ? ' (SIGSYS)' : ''
  const also = detail.endsWith(SIGILL) ? ', and even exit_group' : ''
  if (denied.length > 0) return { path: SECCOMP, name, advice: `${denialText(denied)}, which init needs${also}` }
  if (name === '') return undefined
  if (loads) return { path: SECCOMP, name, advice: 'the profile kills init for a system call that it needs' }
  return { path: undefined, name, advice: 'a seccomp filter of the caller of the runtime killed it' }
}
