// Hooks (config.md "POSIX-platform Hooks"): each becomes one run_hook step; which list it goes into, and when, is decided in steps.ts.
// poststart and poststop run in later commands and get a plan of their own.

import type { Hook, Hooks } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import type { LaunchPlan, Step } from './launch-plan.ts'

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

export function hookSteps(kind: HookKind, hooks: readonly Hook[], state: HookState): Step[] {
  if (hooks.length === 0) return []
  const stdin = hookStdin(state)
  return hooks.map((hook, index) => ({
    op: 'run_hook',
    from: `hooks.${kind}[${index}] (${hook.path})`,
    path: hook.path,
    args: hook.args.length === 0 ? [hook.path] : hook.args,
    env: hook.env,
    timeout: hook.timeout ?? 0,
    ...stdin,
  }))
}

/** The plan of `start` and `delete`: hooks only, run by the runtime, which knows the pid from state.json. */
export function planLaterHooks(
  kind: 'poststart' | 'poststop',
  hooks: readonly Hook[],
  state: HookState,
  pid: number,
): LaunchPlan {
  const runtimeSteps = hookSteps(kind, hooks, state).map(
    (step): Step => (step.op === 'run_hook' ? { ...step, pid } : step),
  )
  return { slots: ['sync'], runtimeSteps, containerSteps: [] }
}
