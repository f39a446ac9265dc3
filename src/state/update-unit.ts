// Updates a container's unit in systemd for `update`, so that systemd shows the values and does not reset them, and
// undoes it.

import { formerProperties, updateProperties } from '../cgroup/unit/properties.ts'
import type { Resources } from '../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { setUnitProperties } from '../systemd/conversation.ts'
import type { Property } from '../systemd/property.ts'
import type { UnitRecord } from './record.ts'
import { converse, type Systemd, systemdFacts, withSystemd } from './systemd.ts'

/** Sets the properties; the returned function sets those of the old resources again. */
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

/** Ignores errors: the earlier failure is reported. */
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
