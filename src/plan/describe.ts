// From a failed step to one sentence: `<config path>: <system call>: <ERRNO> (<text>)[: detail][; hint]`. Hints are data keyed by
// operation and errno; nothing here looks at the host.

import { errnoText } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { StepReport } from '../native.ts'
import type { LaunchPlan, Step } from './launch-plan.ts'
import { printStep } from './print.ts'

const hints: Readonly<Record<string, string>> = {
  'clone EINVAL': 'does this kernel support all of the namespaces?',
  'clone EPERM': 'making namespaces needs CAP_SYS_ADMIN, or a user namespace',
  'clone ENOSPC': 'a limit in /proc/sys/user/max_*_namespaces is reached',
  'clone EBUSY': 'the v2 cgroup has children with controllers: processes may only be in its leaves',
  'unshare EPERM': 'user namespaces may be forbidden (kernel.unprivileged_userns_clone, AppArmor)',
  'unshare ENOSPC': 'a limit in /proc/sys/user/max_*_namespaces is reached',
  'openat2 ELOOP': 'must be mounted on ordinary directory, not on a symbolic link',
  'openat2 EXDEV': 'the path leads out of the root file system',
  'pivot_root EINVAL': 'a root file system on a ramdisk needs --no-pivot',
  'open_tree ENOENT': 'the source does not exist on the host',
  'prlimit EPERM': 'raising a hard limit needs CAP_SYS_RESOURCE',
  'seccomp EINVAL': 'the kernel does not know a flag or an action of the profile',
  'setgroups EPERM': 'groups cannot be set in a user namespace whose gid_map was written with setgroups denied',
  'setresuid EINVAL': 'the id is not mapped in the user namespace',
  'setresgid EINVAL': 'the id is not mapped in the user namespace',
  'setns EINVAL': 'is it a namespace of that type?',
  'mkdirat EROFS': 'the hierarchy is mounted read-only',
  'bpf_prog_attach EPERM': 'device rules on cgroup v2 need CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN',
  'connect ECONNREFUSED': 'nobody listens at that socket',
  'make_userns EPERM': 'mappings for a mount need the privileges of root on the host',
  'make_userns ENOSPC': 'a limit in /proc/sys/user/max_user_namespaces is reached',
  'move_netdev ENODEV': 'there is no such network device',
  'move_netdev EEXIST': 'the name is taken in the network namespace of the container',
  'set_mempolicy EINVAL': 'does the machine have these nodes, and the kernel this mode?',
  'execve ENOEXEC': 'not an executable format the kernel knows; is it for another architecture?',
}

/** How a missing program is told: engines look for these words and turn them into exit statuses 126 and 127. */
function describeProgram(step: Extract<Step, { op: 'find_executable' }>, report: StepReport): string {
  const name = JSON.stringify(
    step.candidates.length === 1 ? step.candidates[0] : step.from.slice('process.args[0] ('.length, -1),
  )
  const text = errnoText(report.code)
  if (report.code === 'ENOENT' && step.candidates.length > 1) return `exec: ${name}: executable file not found in $PATH`
  return `exec: ${name}: stat: ${text}`
}

/** The step's last word: the operation's system call, its errno, what the kernel or a hook said, and advice. */
export function describeStep(step: Step, report: StepReport): string {
  const hint = hints[`${step.op} ${report.code}`]
  const advice = hint === undefined ? '' : `; ${hint}`
  if (step.op === 'find_executable') return `${step.from}: ${describeProgram(step, report)}${advice}`
  if (step.op === 'run_hook') return `error running ${hookName(step.from)}: ${report.detail || errnoText(report.code)}`
  const errno = report.errno === 0 ? '' : `: ${report.code} (${errnoText(report.code)})`
  const detail = report.detail === '' ? '' : `: ${report.detail}`
  const object = objectOf(step)
  // runc's words, for who looks for them.
  const action = step.from === '--cgroup' ? 'adding pid to cgroups: ' : ''
  return `${step.from}: ${action}${report.syscall}${object}${errno}${detail}${advice}`
}

/** `hooks.prestart[0] (/bin/x)` in runc's words, which its callers know: `prestart hook #0 (/bin/x)`. */
function hookName(from: string): string {
  const [kind = '', index = ''] = from.slice('hooks.'.length).split(/[[\]]/)
  return `${kind} hook #${index}: ${from.slice(from.indexOf('('))}`
}

/** The file or value a step is about, where `from` does not say it already. */
function objectOf(step: Step): string {
  if (step.op === 'write_file') return ` ${JSON.stringify(step.data)} to ${step.path}`
  if ('path' in step && typeof step.path === 'string' && !step.from.includes(step.path)) return ` ${step.path}`
  if (step.op === 'fsconfig' && step.key !== undefined)
    return ` ${step.key}${step.value === undefined ? '' : `=${step.value}`}`
  return ''
}

/** The error of a failed launch. */
export function describeFailure(plan: LaunchPlan, report: StepReport): RuntError {
  const step = plan[report.list][report.step]
  if (step === undefined)
    return new RuntError('internal', `step ${report.step} of ${report.list}: ${report.syscall}: ${report.code}`)
  if (report.syscall === 'init')
    return new RuntError('kernel', `${step.from}: ${report.detail} during ${printStep(step, plan.slots)}`)
  return new RuntError('kernel', describeStep(step, report), { path: step.from })
}

/** A warning of a step that did not end the launch. */
export function describeWarning(plan: LaunchPlan, report: StepReport): string {
  const step = plan[report.list][report.step]
  return step === undefined ? report.detail : report.detail || describeStep(step, report)
}
