// Plans a launch that will not happen, for `plan` and `validate`.

import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { probeCgroups } from '../host/probe-cgroups.ts'
import { probeLinks } from '../host/probe-links.ts'
import { probeResctrl } from '../host/probe-resctrl.ts'
import { probeThreaded } from '../host/probe-threaded.ts'
import type { PlanOptions } from '../plan/context.ts'
import type { HostFacts } from '../plan/host-facts.ts'
import { claimsFile, stateRoot } from '../state/state-root.ts'
import { askSystemd, isSystemd } from '../state/systemd.ts'

/** The options of a plan for a bundle on this host, for planCreate. */
export function dryOptions(
  { native, globals }: Pick<Context, 'native' | 'globals'>,
  facts: HostFacts,
  { config, path }: { readonly config: Config; readonly path: string },
  { id, mode }: Pick<PlanOptions, 'id' | 'mode'>,
): PlanOptions {
  const systemd = isSystemd(globals) ? askSystemd(native) : undefined
  return {
    id,
    bundle: path,
    stateDirectory: `${stateRoot(native, globals.root).path}/${id}`,
    claims: claimsFile(native),
    mode,
    rootSwitch: 'pivot_root',
    keyring: 'new',
    preserveFds: [],
    rootless: globals.rootless,
    withoutCgroups: globals['cgroup-manager'] === 'disabled',
    systemd,
    access: systemd === undefined ? probeCgroups(native, facts, id, config, globals.rootless) : undefined,
    threaded: systemd === undefined ? probeThreaded(native, facts.cgroups, config) : undefined,
    resctrl: probeResctrl(native, config, id),
    sourceLinks: probeLinks(native, config, path),
  }
}
