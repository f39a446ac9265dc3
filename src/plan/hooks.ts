// Hooks (config.md "POSIX-platform Hooks"): each becomes one run_hook step; which list it goes into, and when, is decided in steps.ts.
// poststart and poststop run in later commands and get a plan of their own.

import type { Hook, Hooks, Process } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { isWeakened } from '../weaken.ts'
import { O_APPEND, O_CLOEXEC, O_CREAT, O_WRONLY, RESOLVE_NO_MAGICLINKS } from './constants.ts'
import type { PlanContext } from './context.ts'
import type { LaunchPlan, Step } from './launch-plan.ts'
import { planEnvironment } from './process.ts'
import { createSlots, type Slots } from './slots.ts'

export type HookKind = keyof Hooks

/** What a hook is told on stdin, but for the pid, which only the kernel knows (runtime.md "State"). */
export interface HookState {
  readonly ociVersion: string
  readonly id: string
  readonly status: 'creating' | 'created' | 'running' | 'stopped'
  readonly bundle: string
  readonly annotations: { readonly [key: string]: string }
}

/** The JSON text before and after the pid's digits. */
export function hookStdin(state: HookState): { stdinHead: string; stdinTail: string } {
  const { ociVersion, id, status, bundle, annotations } = state
  const head = stringify({ ociVersion, id, status })
  const tail = stringify(Object.keys(annotations).length === 0 ? { bundle } : { bundle, annotations })
  return { stdinHead: `${head.slice(0, -1)},"pid":`, stdinTail: `,${tail.slice(1)}` }
}

/** Slots of the files that the hooks' output goes to; else the last of it is kept for the error. */
export interface HookOutput {
  readonly output?: number
  readonly errors?: number
}

const OUTPUT_MODE = 0o600

/** crun(1): annotations that name files of the host for the standard output and standard error of hooks. */
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

/** Hooks that init runs. */
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
    // Docker names itself by /proc/PID/exe. A hook's descriptors are closed before its path is resolved.
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
    // createContainer and startContainer hooks run in init, which is at the root file system by then.
    ...((kind === 'prestart' || kind === 'createRuntime') && { cwd: state.bundle }),
    ...stdin,
  }))
}

/**
 * What hooks get whose `env` is absent or empty, which the specification leaves open. Hooks are written for what runc and crun
 * do: the runtime's own environment, in the container that of its process. Init has none before that.
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

/** The state that hooks of the launch are told. */
export const hookState = ({ config, options }: PlanContext, status: 'creating' | 'created') =>
  ({
    ociVersion: config.ociVersion,
    id: options.id,
    status,
    bundle: options.bundle,
    annotations: config.annotations,
  }) as const

/** Where hooks of these kinds write to. The two sides each have descriptors of their own: what init inherits is closed here. */
export const hookOutputOf = (
  { config, slots }: PlanContext,
  kinds: readonly HookKind[],
): ReturnType<typeof hookOutputSteps> =>
  kinds.some((kind) => config.hooks[kind].length > 0) ? hookOutputSteps(config.annotations, slots) : { steps: [] }

/** The hooks of the launch of this kind. */
export const planHooks = (context: PlanContext, kind: HookKind, output: HookOutput): Step[] =>
  hookSteps(kind, context.config.hooks[kind], hookState(context, 'created'), output, context.process)

/** The plans of `start`, `delete` and `restore`, one for each hook, since a plan ends at its first failure. They are run by the runtime, which
 * knows the pid from state.json. */
export function planLaterHooks(kind: HookKind, hooks: readonly Hook[], state: HookState, pid: number): LaunchPlan[] {
  const slots = createSlots()
  const { steps, ...output } = hookOutputSteps(state.annotations, slots)
  return hookSteps(kind, hooks, state, output).map((step) => ({
    slots: slots.names,
    runtimeSteps: [...steps, step.op === 'run_hook' ? { ...step, pid } : step],
    containerSteps: [],
  }))
}
