// Hooks (config.md "POSIX-platform Hooks"): each becomes one run_hook step. order.ts decides the list and the position.
// poststart and poststop hooks run in later commands and get plans of their own.

import type { Hook, Hooks, Process } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { O_APPEND, O_CLOEXEC, O_CREAT, O_WRONLY, RESOLVE_NO_MAGICLINKS } from '../steps/constants.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { createSlots, type Slots } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext } from './context.ts'
import { planEnvironment } from './process.ts'

export type HookKind = keyof Hooks

/** The state that a hook reads on stdin, except for the pid, which only the kernel knows (runtime.md "State"). */
export interface HookState {
  readonly ociVersion: string
  readonly id: string
  readonly status: 'creating' | 'created' | 'running' | 'stopped'
  readonly bundle: string
  readonly annotations: { readonly [key: string]: string }
}

/** The JSON text before and after the pid. */
export function hookStdin(state: HookState): { stdinHead: string; stdinTail: string } {
  const { ociVersion, id, status, bundle, annotations } = state
  const head = stringify({ ociVersion, id, status })
  const tail = stringify(Object.keys(annotations).length === 0 ? { bundle } : { bundle, annotations })
  return { stdinHead: `${head.slice(0, -1)},"pid":`, stdinTail: `,${tail.slice(1)}` }
}

/** Slots of the files for the hooks' output; without them its end is kept for the error message. */
export interface HookOutput {
  readonly output?: number
  readonly errors?: number
}

const OUTPUT_MODE = 0o600

/** crun(1): annotations with files of the host for the standard output and standard error of hooks. */
export function hookOutputSteps(annotations: HookState['annotations'], slots: Slots): HookOutput & { steps: Step[] } {
  const steps: Step[] = []
  const opened = (name: string): number | undefined => {
    const path = annotations[name]
    if (path === undefined) return undefined
    const into = slots.allocate(name)
    const flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
    const from = `annotations["${name}"] (${path})`
    steps.push({ op: 'openat2', from, path, flags, mode: OUTPUT_MODE, resolve: RESOLVE_NO_MAGICLINKS, into })
    return into
  }
  const output = opened('run.oci.hooks.stdout')
  const errors = opened('run.oci.hooks.stderr')
  return { steps, ...(output !== undefined && { output }), ...(errors !== undefined && { errors }) }
}

/** Whether init runs the hooks. */
const isInContainer = (kind: HookKind): boolean => kind === 'createContainer' || kind === 'startContainer'

/** `process`: for hooks of the launch. */
export function hookSteps(
  kind: HookKind,
  hooks: readonly Hook[],
  state: HookState,
  { output, errors }: HookOutput = {},
  process?: Process,
): Step[] {
  if (hooks.length === 0) return []
  const stdin = hookStdin(state)
  return hooks.map((hook, index) => ({
    op: 'run_hook',
    from: `hooks.${kind}[${index}] (${hook.path})`,
    path: hook.path,
    // Docker refers to itself by /proc/PID/exe. A hook's descriptors are closed before its path is resolved.
    resolve: isInContainer(kind) ? RESOLVE_NO_MAGICLINKS : 0,
    args: hook.args.length === 0 ? [hook.path] : hook.args,
    ...(RUNT_WEAKEN && isWeakened('hook-environment') && process !== undefined
      ? { env: process.env }
      : hook.env.length === 0
        ? defaultEnvironment(kind, process)
        : { env: hook.env }),
    timeout: hook.timeout ?? 0,
    output,
    errors,
    // createContainer and startContainer hooks run in init, whose working directory is the root file system.
    ...((kind === 'prestart' || kind === 'createRuntime') && { cwd: state.bundle }),
    ...stdin,
  }))
}

/**
 * The environment of hooks whose `env` is absent or empty, which the specification leaves open. As in runc and crun: the runtime's own
 * environment, and inside the container that of the process, because init has none.
 */
function defaultEnvironment(
  kind: HookKind,
  process: Process | undefined,
): Partial<Extract<Step, { op: 'run_hook' }>> & { env: string[] } {
  if (kind === 'createContainer') return { env: [] }
  if (kind !== 'startContainer' || process === undefined) return { env: [], ownEnv: 1 }
  const { env, needsHome } = planEnvironment(process)
  return { env, home: needsHome === 'find' ? 1 : 0 }
}

/** The state for hooks of the launch. */
export const hookState = ({ config, options }: PlanContext, status: 'creating' | 'created') =>
  ({
    ociVersion: config.ociVersion,
    id: options.id,
    status,
    bundle: options.bundle,
    annotations: config.annotations,
  }) as const

/**
 * The output files for hooks of these kinds. Each side has its own descriptors: those that init inherits are closed
 * here.
 */
export const hookOutputOf = (
  { config, slots }: PlanContext,
  kinds: readonly HookKind[],
): ReturnType<typeof hookOutputSteps> =>
  kinds.some((kind) => config.hooks[kind].length > 0) ? hookOutputSteps(config.annotations, slots) : { steps: [] }

/** The launch's hooks of this kind. */
export const planHooks = (context: PlanContext, kind: HookKind, output: HookOutput): Step[] =>
  hookSteps(kind, context.config.hooks[kind], hookState(context, 'created'), output, context.process)

/**
 * The plans of `start`, `delete` and `restore`, one for each hook, because a plan ends at its first failure. The
 * runtime runs them, with the pid from state.json.
 */
export function planLaterHooks(kind: HookKind, hooks: readonly Hook[], state: HookState, pid: number): LaunchPlan[] {
  const slots = createSlots()
  const { steps, ...output } = hookOutputSteps(state.annotations, slots)
  return hookSteps(kind, hooks, state, output).map((step) => ({
    slots: slots.names,
    runtimeSteps: [...steps, step.op === 'run_hook' ? { ...step, pid } : step],
    containerSteps: [],
  }))
}
