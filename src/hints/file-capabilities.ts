// The extended attribute security.capability of a program (capabilities(7), "File capability extended attribute versioning").

import { capabilityNames } from '../config/kernel-names.ts'

const [MAGIC, REVISION_1, EFFECTIVE] = [0xff000000, 0x01000000, 1]

/** The permitted capabilities; undefined if there are none, or if they only add to others (without the effective bit). */
export function requiredCapabilities(attribute: Uint8Array): string[] | undefined {
  if (attribute.length < 12) return undefined
  const view = new DataView(attribute.buffer, attribute.byteOffset, attribute.byteLength)
  const magic = view.getUint32(0, true)
  if ((magic & EFFECTIVE) === 0) return undefined
  const low = BigInt(view.getUint32(4, true))
  const isShort = (magic & MAGIC) >>> 0 === REVISION_1 || attribute.length < 20
  const permitted = low | (isShort ? 0n : BigInt(view.getUint32(12, true)) << 32n)
  return capabilityNames.filter((_, bit) => ((permitted >> BigInt(bit)) & 1n) === 1n)
}
