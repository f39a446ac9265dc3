// plan: prints what `create` would do for a bundle. Changes nothing.

import { type Run, STDOUT } from '../cli/context.ts'
import { dryOptions } from '../launch/dry-plan.ts'
import { rootfsOf, warnOf } from '../launch/load-bundle.ts'
import { loadSource } from '../launch/open-source.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCreate } from '../plan/plan.ts'
import { planJson, printPlan } from '../plan/print.ts'

export const plan: Run<'plan'> = (context, flags, [given]) => {
  const { native, log } = context
  const bundle = loadSource(native, given, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  if (bundle.hasDirectory) rootfsOf(native, bundle)
  const id = (bundle.hasDirectory && bundle.path.slice(bundle.path.lastIndexOf('/') + 1)) || 'plan'
  const facts = hostFacts(native.probe())
  const planned = planCreate(bundle.config, facts, dryOptions(context, facts, bundle, { id, mode: 'create' }))
  for (const warning of planned.warnings) log.warn(warning)
  native.write(STDOUT, flags.format === 'json' ? `${planJson(planned.plan)}\n` : printPlan(planned.plan))
  return 0
}
