// plan: prints what `create` would do for a bundle. Changes nothing.

import { type Run, STDOUT } from '../cli/context.ts'
import { probeCgroups } from '../host/probe-cgroups.ts'
import { probeLinks } from '../host/probe-links.ts'
import { probeResctrl } from '../host/probe-resctrl.ts'
import { rootfsOf, warnOf } from '../launch/load-bundle.ts'
import { loadSource } from '../launch/open-source.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCreate } from '../plan/plan.ts'
import { planJson, printPlan } from '../plan/print.ts'
import { claimsFile, stateRoot } from '../state/state-root.ts'
import { askSystemd, isSystemd } from '../state/systemd.ts'

export const plan: Run<'plan'> = ({ native, globals, log }, flags, [given]) => {
  const bundle = loadSource(native, given, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  if (bundle.hasDirectory) rootfsOf(native, bundle)
  const id = (bundle.hasDirectory && bundle.path.slice(bundle.path.lastIndexOf('/') + 1)) || 'plan'
  const systemd = isSystemd(globals) ? askSystemd(native) : undefined
  const facts = hostFacts(native.probe())
  const planned = planCreate(bundle.config, facts, {
    id,
    bundle: bundle.path,
    stateDirectory: `${stateRoot(native, globals.root).path}/${id}`,
    claims: claimsFile(native),
    mode: 'create',
    rootSwitch: 'pivot_root',
    keyring: 'new',
    preserveFds: [],
    rootless: globals.rootless,
    withoutCgroups: globals['cgroup-manager'] === 'disabled',
    systemd,
    access: systemd === undefined ? probeCgroups(native, facts, id, bundle.config, globals.rootless) : undefined,
    resctrl: probeResctrl(native, bundle.config, id),
    sourceLinks: probeLinks(native, bundle.config, bundle.path),
  })
  for (const warning of planned.warnings) log.warn(warning)
  native.write(STDOUT, flags.format === 'json' ? `${planJson(planned.plan)}\n` : printPlan(planned.plan))
  return 0
}
