// plan: prints what `create` would do for a bundle. Nothing is changed.

import { hostFacts } from '../plan/host-facts.ts'
import { planCreate } from '../plan/plan.ts'
import { planJson, printPlan } from '../plan/print.ts'
import { claimsFile, stateRoot } from '../state/state-root.ts'
import { askSystemd } from '../state/systemd.ts'
import { type Run, STDOUT } from './context.ts'
import { loadBundle, rootfsOf, warnOf } from './load-bundle.ts'
import { probeResctrl } from './probe-resctrl.ts'

export const plan: Run<'plan'> = ({ native, globals, log }, { format }, [path]) => {
  const bundle = loadBundle(native, path)
  warnOf(bundle.warnings, log.warn)
  rootfsOf(native, bundle)
  const id = bundle.path.slice(bundle.path.lastIndexOf('/') + 1) || 'plan'
  const systemd = globals['systemd-cgroup'] ? askSystemd(native) : undefined
  const planned = planCreate(bundle.config, hostFacts(native.probe()), {
    id,
    bundle: bundle.path,
    stateDirectory: `${stateRoot(native, globals.root).path}/${id}`,
    claims: claimsFile(native),
    mode: 'create',
    rootSwitch: 'pivot_root',
    keyring: 'new',
    preserveFds: 0,
    systemd,
    resctrl: probeResctrl(native, bundle.config, id),
  })
  for (const warning of planned.warnings) log.warn(warning)
  native.write(STDOUT, format === 'json' ? `${planJson(planned.plan)}\n` : printPlan(planned.plan))
  return 0
}
