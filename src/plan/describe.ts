// Turns a failed step into a message: `<config path>: <system call>: <ERRNO> (<text>)[: detail][; hint]`. src/hints finds the
// hint; nothing here reads the host.

import { errnoPhrase, errnoText } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { StepReport } from '../native.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { denialText, describeSilentEnd } from './denied.ts'
import { printStep } from './print.ts'
import { describeTooBig } from './too-big.ts'

/** Finds the hint of a failed step: see src/hints/explain.ts. */
export type Explain = (step: Step, report: StepReport) => string | undefined
const noHint: Explain = () => undefined

/** runc's wording for these steps, for users who search for it. */
const actions: Readonly<Record<string, string>> = {
  '--cgroup': 'adding pid to cgroups: ',
  'linux.seccomp.listenerPath': 'failed to connect with seccomp agent: ',
}

/** `sh`, for `process.args[0] (sh)`. An object that is not in the config is named as it is: `criu`. */
const programOf = ({ from }: Step): string => /\((.*)\)$/s.exec(from)?.[1] ?? from

/**
 * The message for a missing program: engines match these words and turn them into exit statuses 126 and 127. Docker before 23
 * recognizes a directory only by the errno of execve(2).
 */
function describeProgram(step: Extract<Step, { op: 'find_executable' }>, { code }: StepReport): string {
  const program = programOf(step)
  const name = JSON.stringify(program)
  if (code === 'ENOENT' && !program.includes('/')) return `exec: ${name}: executable file not found in $PATH`
  if (code === 'EISDIR') return `exec: ${name}: execve: ${errnoPhrase('EACCES')}: is a directory`
  return `exec: ${name}: ${code === 'EACCES' ? 'execve' : 'stat'}: ${errnoPhrase(code)}`
}

/** The end of the message: system call, errno, the kernel's or a hook's detail, and a hint. */
export function describeStep(
  step: Step,
  report: StepReport,
  denied: LaunchPlan['denied'] = [],
  explain: Explain = noHint,
): string {
  if (report.code === 'E2BIG' && (step.op === 'execve' || step.op === 'run_hook')) return describeTooBig(step)
  const refused = denied.filter(({ name }) => report.list === 'containerSteps' && name === report.syscall)
  const hint = refused.length > 0 ? `linux.seccomp: ${denialText(refused)}` : explain(step, report)
  const advice = hint === undefined ? '' : `; ${hint}`
  if (step.op === 'find_executable') return `${step.from}: ${describeProgram(step, report)}${advice}`
  // runc's wording: the program exists and cannot be executed.
  if (step.op === 'execve') return `${step.from}: exec ${programOf(step)}: execve: ${errnoPhrase(report.code)}${advice}`
  if (step.op === 'run_hook')
    return `error running ${hookName(step.from)}: ${report.detail || errnoText(report.code)}${badCall(step.from, report)}${advice}`
  // A program that was run ended with a status, without an errno: the detail names both.
  if (step.op === 'map_ids' && report.code === 'ECHILD') return `${step.from}: ${report.detail}${advice}`
  const errno = report.errno === 0 ? '' : `: ${errnoPhrase(report.code)}`
  // The detail may be a name from the image: a line break in it must not look like a message of its own.
  const detail = report.detail === '' ? '' : `: ${report.detail.replaceAll('\n', ' ')}`
  const object = objectOf(step)
  const action = actions[step.from] ?? ''
  return `${step.from}: ${action}${report.syscall}${object}${errno}${detail}${advice}`
}

/** linux.seccomp is loaded before startContainer hooks, and before no others. */
function badCall(from: string, { detail }: StepReport): string {
  if (!detail.startsWith('signal 31')) return ''
  const filter = from.startsWith('hooks.startContainer')
    ? 'the seccomp profile holds for this hook, too'
    : "a seccomp filter of its own or of the runtime's caller, not linux.seccomp"
  return `; bad system call: ${filter}`
}

/** `hooks.prestart[0] (/bin/x)` in runc's wording: `prestart hook #0 (/bin/x)`. */
function hookName(from: string): string {
  const [kind = '', index = ''] = from.slice('hooks.'.length).split(/[[\]]/)
  return `${kind} hook #${index}: ${from.slice(from.indexOf('('))}`
}

/** The file or value that the step is about, unless `from` already names it. */
function objectOf(step: Step): string {
  if (step.op === 'write_file') return ` ${JSON.stringify(step.data)} to ${step.path}`
  if ('path' in step && typeof step.path === 'string' && !step.from.includes(step.path)) return ` ${step.path}`
  if (step.op === 'fsconfig' && step.key !== undefined)
    return ` ${step.key}${step.value === undefined ? '' : `=${step.value}`}`
  return ''
}

/** The error of a failed launch. */
export function describeFailure(plan: LaunchPlan, report: StepReport, explain?: Explain): RuntError {
  const step = plan[report.list][report.step]
  if (step === undefined)
    return new RuntError('internal', `step ${report.step} of ${report.list}: ${report.syscall}: ${report.code}`)
  if (report.syscall === 'init') return describeEnd(plan, step, report.detail)
  const foreignCgroups = step.op === 'claim_cgroup' && ['EAGAIN', 'EBUSY'].includes(report.code)
  return new RuntError('kernel', describeStep(step, report, plan.denied, explain), { path: step.from, foreignCgroups })
}

const MEMORY_LIMIT = 'linux.resources.memory.limit'

/**
 * Init has ended without a report: the kernel killed it because the memory limit is too low for init, or a seccomp filter denied a call
 * that init needs.
 */
function describeEnd(plan: LaunchPlan, step: Step, detail: string): RuntError {
  const where = `during ${printStep(step, plan.slots)}`
  const loads = plan.containerSteps.some(({ op }) => op === 'seccomp')
  const filter = describeSilentEnd(detail, plan.denied ?? [], loads)
  if (filter !== undefined) {
    const path = filter.path ?? step.from
    return new RuntError('kernel', `${path}: ${detail}${filter.name} ${where}; ${filter.advice}`, { path })
  }
  const killed = detail.endsWith('by signal 9')
  const isLimited = plan.runtimeSteps.some(({ from }) => from === MEMORY_LIMIT)
  const path = killed && isLimited ? MEMORY_LIMIT : step.from
  const advice = isLimited
    ? '; OOM-killed (memory limit too low?)'
    : "; it was killed from outside, or a cgroup above it ran out of memory: see the kernel's log"
  return new RuntError('kernel', `${path}: ${detail} ${where}${killed ? advice : ''}`, {
    path,
  })
}

/** A warning of a step that did not end the launch. */
export function describeWarning(plan: LaunchPlan, report: StepReport, explain?: Explain): string {
  const step = plan[report.list][report.step]
  return step === undefined ? report.detail : report.detail || describeStep(step, report, [], explain)
}
