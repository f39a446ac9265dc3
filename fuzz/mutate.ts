// Mutates inputs at random, as bytes or as JSON documents. Depends only on the seed.

import { type Json, parseExact, stringify } from '../src/config/json.ts'

export type Random = (limit: number) => number

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed | 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x100000000) * limit)
  }
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T

const LARGEST = 16384
const NUMBERS = [
  '0',
  '-1',
  '1',
  '255',
  '256',
  '65535',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
]
/** Values that are difficult for JavaScript, C and text formats. */
const ODD = [
  '__proto__',
  'constructor',
  'toString',
  '\0',
  '\n',
  ' ',
  '\u2028',
  '\ud800',
  '"',
  '\\',
  '/..',
  '%s',
  '',
  ...NUMBERS,
]

/** One to six mutations. */
export function mutateBytes(
  random: Random,
  input: Uint8Array,
  other: Uint8Array,
  words: readonly string[],
): Uint8Array {
  let bytes = Buffer.from(input)
  for (let i = random(6); i >= 0; i--) bytes = change(random, bytes, other, words)
  return bytes.subarray(0, LARGEST)
}

function change(random: Random, bytes: Buffer, other: Uint8Array, words: readonly string[]): Buffer<ArrayBuffer> {
  const at = random(bytes.length + 1)
  const end = at + random(Math.min(bytes.length - at, 64) + 1)
  const put = (middle: Uint8Array, until = at) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(until)])
  switch (random(9)) {
    case 0:
      return put(Buffer.of((bytes[at] ?? 0) ^ (1 << random(8))), at + 1)
    case 1:
      return put(Buffer.of(random(256)), at + 1)
    case 2:
      return put(Buffer.of(pick(random, [0, 1, 127, 128, 255, random(256)])))
    case 3:
      return put(Buffer.of(), end)
    case 4:
      return put(Buffer.concat(Array(1 + random(random(8) === 0 ? 300 : 4)).fill(bytes.subarray(at, end))))
    case 5:
      return put(Buffer.from(pick(random, ODD)), random(2) ? at : end)
    case 6: {
      const from = random(other.length + 1)
      return put(other.subarray(from, from + random(64)), random(2) ? at : end)
    }
    default:
      return put(Buffer.from(words.length === 0 ? '' : pick(random, words)), random(2) ? at : end)
  }
}

type Container = Json[] | { [key: string]: Json }

/** The same for a JSON document; other inputs are mutated as bytes. */
export function mutateJson(random: Random, input: Uint8Array, other: Uint8Array, words: readonly string[]): Uint8Array {
  const [document, donor] = [parsed(input), parsed(other)]
  if (document === undefined || random(8) === 0) return mutateBytes(random, input, other, words)
  const root: Container = [document]
  for (let i = random(5); i >= 0; i--) {
    const [holder, key] = spotIn(random, root)
    const spot = holder as { [key: string]: Json }
    if (random(6) === 0 && holder !== root) delete spot[key]
    else
      setMember(spot, random(12) === 0 ? pick(random, [...ODD, ...words]) : key, value(random, spot[key], donor, words))
  }
  return Buffer.from(stringify(root[0]).slice(0, LARGEST * 2))
}

function setMember(holder: { [key: string]: Json }, key: string, changed: Json): void {
  if (Array.isArray(holder) && !/^\d{1,3}$/.test(key)) holder.push(changed)
  else Object.defineProperty(holder, key, { value: changed, enumerable: true, configurable: true, writable: true })
}

function parsed(bytes: Uint8Array): Json | undefined {
  try {
    return parseExact(Buffer.from(bytes).toString('utf8'), '')
  } catch {
    return undefined
  }
}

/** A place in the document: at any level, deeper ones less often. */
function spotIn(random: Random, root: Container): [Container, string] {
  let holder = root
  let key = '0'
  while (random(6) > 0) {
    const inner = (holder as { [key: string]: Json })[key]
    if (typeof inner !== 'object' || inner === null || Object.keys(inner).length === 0) break
    holder = inner
    key = pick(random, Object.keys(inner))
  }
  return [holder, key]
}

function value(random: Random, old: Json | undefined, donor: Json | undefined, words: readonly string[]): Json {
  switch (random(10)) {
    case 0:
      return pick<Json>(random, [null, true, false, [], {}, '', [null], { a: 1 }])
    case 1:
      return BigInt(pick(random, NUMBERS))
    case 2:
      return pick(random, ODD)
    case 3:
      return typeof old === 'string' ? old.slice(random(old.length + 1)) + pick(random, ODD) : (old ?? null)
    case 4:
      return Array.isArray(old) ? [...old, ...old] : [old ?? null]
    case 5:
      return typeof old === 'number' ? pick(random, [old + 1, -old, old * 1000, old + 0.5]) : pick(random, words)
    case 6:
    case 7: {
      const [holder, key] = spotIn(random, [donor ?? null])
      return structuredClone((holder as { [key: string]: Json })[key] ?? null)
    }
    default:
      return words.length === 0 ? '' : pick(random, words)
  }
}
