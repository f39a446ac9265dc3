// Runs the hooks of `start` and `delete` (config.md, POSIX-platform Hooks). The hooks of the launch itself are steps of
// its plan.

import { RuntError } from '../errors.ts'
import { explainer } from '../hints/explain.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { planLaterHooks } from '../plan/hooks.ts'
import { killInit } from '../state/destroy-container.ts'
import type { ContainerRecord } from '../state/record.ts'

/** Runs the hooks in order. Calls `failed` for each that fails; it may throw to skip the rest. */
export function runHooks(
  native: Native,
  kind: 'poststart' | 'poststop',
  record: ContainerRecord,
  failed: (problem: string) => void,
): void {
  const { ociVersion, id, bundle, annotations, pid } = record
  const state = { ociVersion, id, bundle, annotations, status: kind === 'poststart' ? 'running' : 'stopped' } as const
  for (const plan of planLaterHooks(kind, record.hooks[kind], state, kind === 'poststart' ? pid : 0)) {
    const event = native.launch(plan)
    if (event.kind === 'failed') failed(describeFailure(plan, event, explainer({ native, plan })).message)
  }
}

/**
 * "If any poststart hook fails, the runtime MUST generate an error, stop the container", and continue the lifecycle.
 */
export function runPoststart(native: Native, record: ContainerRecord): void {
  runHooks(native, 'poststart', record, (problem) => {
    killInit(native, record)
    throw new RuntError('config', problem)
  })
}
