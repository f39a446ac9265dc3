/**
 * The reverse of gvariant.ts: formats a value as GVariant text, for users who read a plan and may want to write the
 * same in an annotation. Types that the text does not imply are written in front of it.
 */

import { type DbusValue, typeEnd, type Variant } from './dbus-values.ts'

/** `'text'`, `true`, `uint64 5`, `@as ['a', 'b']`. */
export function formatGVariant({ signature, value }: Variant): string {
  const text = bareText(signature, value)
  if (signature === 's' || signature === 'b' || signature === 'v') return text
  return signature === 't' ? `uint64 ${text}` : `@${signature} ${text}`
}

function bareText(type: string, value: DbusValue): string {
  switch (type[0]) {
    case 's':
    case 'o':
    case 'g':
      return `'${String(value).replace(/[\\']/g, '\\$&')}'`
    case 'a':
      return `[${Array.from(value as readonly DbusValue[], (item) => bareText(type.slice(1), item)).join(', ')}]`
    case '(':
      return tupleText(type.slice(1, -1), value as readonly DbusValue[])
    case 'v':
      return `<${formatGVariant(value as Variant)}>`
    default:
      return String(value)
  }
}

/** A comma distinguishes a tuple of one from a value in parentheses. */
function tupleText(signature: string, values: readonly DbusValue[]): string {
  const texts: string[] = []
  let at = 0
  for (const value of values) {
    const end = typeEnd(signature, at)
    texts.push(bareText(signature.slice(at, end), value))
    at = end
  }
  return texts.length === 1 ? `(${texts[0]},)` : `(${texts.join(', ')})`
}
