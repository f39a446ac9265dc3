/**
 * Encodes and decodes UTF-8, because the embedded engine has no TextEncoder. Lone surrogates and invalid bytes become
 * U+FFFD.
 */

export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code, 0))
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code, 6), tail(code, 0))
    else bytes.push(0xf0 | (code >> 18), tail(code, 12), tail(code, 6), tail(code, 0))
  }
  return Uint8Array.from(bytes)
}

/** The lowest character for each length; no character has length 0. */
const SHORTEST = [Number.POSITIVE_INFINITY, 0, 0x80, 0x800, 0x10000]

export function decodeUtf8(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    let code = length === 1 ? lead : lead & (0x7f >> length)
    for (let next = 1; next < length; next++) {
      const byte = bytes[i + next] ?? 0
      code = (byte & 0xc0) === 0x80 && lead >= 0xc2 ? (code << 6) | (byte & 0x3f) : Number.NaN
      if (Number.isNaN(code)) break
    }
    // Rejects overlong forms (of a NUL or a slash) and surrogates.
    const isValid = code >= (SHORTEST[length] as number) && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    text += String.fromCodePoint(isValid ? code : 0xfffd)
    i += isValid ? length : 1
  }
  return text
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f)
}
