import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { ignored, planned, rejected } from './coverage.ts'

interface Schema {
  readonly $ref?: string
  readonly items?: Schema | readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
}

const OFFICIAL = '../shared/oci'

/** The paths of all properties that have none below them, in the notation of coverage.ts. */
function leaves(directory: string, name: string): string[] {
  const files = new Map<string, unknown>()
  for (const file of readdirSync(directory).filter((file) => file.endsWith('.json'))) {
    files.set(file, JSON.parse(readFileSync(join(directory, file), 'utf8')))
  }
  const found: string[] = []
  walk({ $ref: `${name}#` }, name, '')
  return found

  function walk(schema: Schema, file: string, path: string): void {
    if (schema.$ref !== undefined) {
      const [target, pointer] = schema.$ref.split('#') as [string, string]
      let inner: unknown = files.get(target === '' ? file : target)
      for (const step of pointer.split('/').filter((step) => step !== ''))
        inner = (inner as Record<string, unknown>)[step]
      walk(inner as Schema, target === '' ? file : target, path)
      return
    }
    const before = found.length
    for (const part of [...(schema.allOf ?? []), ...(schema.anyOf ?? [])]) walkInner(part, file, path)
    walkInner(schema, file, path)
    if (found.length === before && !found.includes(path)) found.push(path)
  }

  /** Only what has members of its own; scalars are counted with the property that holds them. */
  function walkInner(schema: Schema, file: string, path: string): void {
    if (schema.$ref !== undefined) walk(schema, file, path)
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      walk(member, file, path === '' ? name : `${path}.${name}`)
    }
    const items = Array.isArray(schema.items) ? (schema.items[0] as Schema) : (schema.items as Schema | undefined)
    if (items !== undefined) walkElements(items, file, path, '[]')
    if (schema.additionalProperties !== undefined) walkElements(schema.additionalProperties, file, path, '{}')
  }

  function walkElements(schema: Schema, file: string, path: string, mark: string): void {
    const before = found.length
    walk(schema, file, path + mark)
    // A list of scalars is one property.
    if (found.length === before + 1 && found[before] === path + mark) found.pop()
  }
}

const entries = [...Object.values(planned).flat(), ...Object.keys(rejected), ...Object.keys(ignored)]

function entryOf(path: string): string | undefined {
  const isAbove = (entry: string) => path === entry || /^[.[{]/.test(path.slice(entry.length))
  return entries.filter((entry) => path.startsWith(entry) && isAbove(entry)).sort((a, b) => b.length - a.length)[0]
}

function checkCovered(t: Pick<typeof tap, 'ok' | 'fail'>, paths: readonly string[]): void {
  t.ok(paths.length > 200, `${paths.length} properties`)
  for (const path of paths) if (entryOf(path) === undefined) t.fail(`${path} is not accounted for`)
  for (const entry of entries) if (!paths.some((path) => entryOf(path) === entry)) t.fail(`${entry} is no property`)
}

tap.test('every property of our schema is accounted for', (t) => {
  checkCovered(t, leaves('spec-schemas', 'config.json'))
  t.end()
})

const skip = existsSync(OFFICIAL) ? false : `no official schemas in ${OFFICIAL}`
tap.test('every property of the official schema is accounted for', { skip }, (t) => {
  const official = leaves(OFFICIAL, 'config-schema.json')
  checkCovered(t, official)
  t.strictSame(leaves('spec-schemas', 'config.json').sort(), official.sort(), 'ours has the same')
  t.end()
})

tap.test('no property is accounted for twice', (t) => {
  t.strictSame(
    entries.filter((entry, i) => entries.indexOf(entry) !== i),
    [],
  )
  t.end()
})

tap.test('the files know the properties that they are to decide about', (t) => {
  for (const [file, paths] of [
    ...Object.entries(planned),
    ...Object.entries(rejected).map(([path, file]) => [file, [path]] as const),
  ]) {
    const text = readFileSync(join('src', file), 'utf8')
    const unknown = paths.filter((path) => !new RegExp(`\\b${path.replace(/.*[.}\]]/, '')}\\b`).test(text))
    t.strictSame(unknown, [], file)
  }
  t.end()
})
