/**
 * `org.systemd.property.NAME` annotations (runc's docs/systemd.md): additional properties of the container's unit.
 * systemd obeys them as root's; whoever lets others write annotations must filter these (CVE-2024-3154), so `features`
 * lists them as unsafe.
 */

import type { StringMap } from '../config/config.ts'
import type { Problem } from '../errors.ts'
import type { Variant } from './dbus-values.ts'
import { parseGVariant } from './gvariant.ts'
import type { Property } from './property.ts'

const PREFIX = 'org.systemd.property.'

export function annotationProperties(annotations: StringMap, problems: Problem[]): Property[] {
  return Object.entries(annotations).flatMap(([key, text]): Property[] => {
    if (!key.startsWith(PREFIX)) return []
    const path = `annotations[${JSON.stringify(key)}]`
    const name = key.slice(PREFIX.length)
    if (!/^[A-Za-z]{3,}$/.test(name)) {
      problems.push({ path, message: `${JSON.stringify(name)} is not the name of a property` })
      return []
    }
    try {
      return [inMicroseconds(name, parseGVariant(text))]
    } catch (error) {
      problems.push({ path, message: `${JSON.stringify(text)}: ${(error as Error).message}` })
      return []
    }
  })
}

/** The largest value whose microseconds fit into 64 bits. */
const MAX_SECONDS = 18446744073708

/** Unit files have TimeoutStopSec=, D-Bus only TimeoutStopUSec, in microseconds. */
function inMicroseconds(name: string, { signature, value }: Variant): Property {
  if (!/[a-z]Sec$/.test(name)) return { name, signature, value }
  if ((typeof value !== 'number' && typeof value !== 'bigint') || value < 0 || value > MAX_SECONDS)
    throw new SyntaxError('not a number of seconds')
  const microseconds = typeof value === 'bigint' ? value * 1000000n : BigInt(Math.round(value * 1000000))
  return { name: `${name.slice(0, -'Sec'.length)}USec`, signature: 't', value: microseconds }
}
