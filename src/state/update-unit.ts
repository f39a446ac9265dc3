// What `update` tells systemd of a container's unit, so that systemd shows it and does not undo it, and how that is taken back.

import { setUnitProperties } from '../cgroup/systemd/conversation.ts'
import { formerProperties, updateProperties } from '../cgroup/systemd/properties.ts'
import type { Property } from '../cgroup/systemd/property.ts'
import type { Resources } from '../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { UnitRecord } from './record.ts'
import { converse, type Systemd, systemdFacts, withSystemd } from './systemd.ts'

/** Sets the properties; calling the result sets those of the old resources again. */
export function updateUnit(
  native: Native,
  { name, kind }: UnitRecord,
  cgroups: 'v1' | 'v2',
  old: Resources,
  resources: Resources,
): () => void {
  return withSystemd(native, kind, (systemd) => {
    const target = { cgroups, version: systemdFacts(native, systemd).version }
    const problems: Problem[] = []
    const properties = updateProperties(resources, target, problems)
    if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })
    setProperties(native, systemd, name, properties)
    const former = formerProperties(properties, updateProperties(old, target, []))
    return () => takeBack(() => withSystemd(native, kind, (again) => setProperties(native, again, name, former)))
  })
}

/** What failed before is what will be told. */
function takeBack(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
  }
}

function setProperties(native: Native, systemd: Systemd, name: string, properties: readonly Property[]): void {
  if (properties.length === 0) return
  converse(native, systemd, (session) => setUnitProperties(session, name, properties), `set properties of ${name}`)
}
