// plan: prints what `create` would do for a bundle, or in what two bundles differ. Changes nothing.

import type { FlagsOf } from '../cli/command-table.ts'
import { type Context, type Run, STDOUT } from '../cli/context.ts'
import { parseJson } from '../config/json.ts'
import { RuntError } from '../errors.ts'
import { dryOptions } from '../launch/dry-plan.ts'
import { rootfsOf, warnOf } from '../launch/load-bundle.ts'
import { loadSource } from '../launch/open-source.ts'
import type { Native } from '../native.ts'
import { diffPlans, type Side } from '../plan/diff.ts'
import { givenIn } from '../plan/given.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCreate } from '../plan/plan.ts'
import { planJsonParts, planParts, type View } from '../plan/print.ts'
import { summarize } from '../plan/summary.ts'

export const plan: Run<'plan'> = (context, flags, [first, ...others]) => {
  const [second, third] = others
  if (first === 'diff' && second !== undefined && third !== undefined) return diff(context, flags, second, third)
  if (second !== undefined)
    throw new RuntError('usage', '"plan" takes one bundle, or diff and two bundles: runt plan diff A B')
  const { format, summary } = flags
  if (summary && format === 'json') throw new RuntError('usage', '--summary has no JSON form')
  const { bundle, id, view, planned } = planBundle(context, flags, first)
  for (const warning of planned.warnings) context.log.warn(warning)
  if (summary) context.native.write(STDOUT, summarize(bundle.config, planned.plan, id, bundle.path))
  else writeParts(context.native, format === 'json' ? planJsonParts(planned.plan, view) : planParts(planned.plan, view))
  return 0
}

const CHUNK = 8192

/** With little memory the runtime notices at a native call that it has run out, so it prints before it has all. */
function writeParts(native: Native, parts: Iterable<string>): void {
  let chunk = ''
  for (const part of parts) {
    chunk += part
    if (chunk.length < CHUNK) continue
    native.write(STDOUT, chunk)
    chunk = ''
  }
  native.write(STDOUT, chunk)
}

/** Both with the same id, so that only what the bundles say is a difference. */
function diff(context: Context, flags: FlagsOf<'plan'>, before: string, after: string): number {
  if (flags.summary || flags.format === 'json') throw new RuntError('usage', '"plan diff" has only one form')
  const [one, other] = [before, after].map((path) => {
    const { bundle, view, planned } = planBundle(context, { ...flags, id: flags.id || 'ID' }, path)
    return { plan: planned.plan, view, bundle: bundle.path }
  }) as [Side, Side]
  context.native.write(STDOUT, diffPlans(one, other))
  return 0
}

function planBundle({ native, globals, log }: Context, flags: FlagsOf<'plan'>, path: string | undefined) {
  const bundle = loadSource(native, path, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  if (bundle.hasDirectory) rootfsOf(native, bundle)
  const id = flags.id || (bundle.hasDirectory && bundle.path.slice(bundle.path.lastIndexOf('/') + 1)) || 'plan'
  const facts = hostFacts(native.probe())
  const options = dryOptions({ native, globals }, facts, bundle, { id, mode: 'create' })
  const planned = planCreate(bundle.config, facts, options)
  const view: View = {
    showEnv: flags['show-env'],
    isGiven: givenIn(parseJson(bundle.configText, bundle.configPath)),
  }
  return { bundle, id, view, planned }
}
