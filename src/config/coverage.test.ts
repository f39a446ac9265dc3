import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { ignored, planned, rejected } from './coverage.ts'
import { loadSchemas, type Member, membersByPath, noOfficial, OFFICIAL, type Schemas } from './testing/schema.ts'

/** The paths of all properties without members, in the notation of coverage.ts. A list or map of scalars is one. */
function leaves(schemas: Schemas, name: string): string[] {
  const all = [...membersByPath(schemas, name)]
  const isScalar = (path: string, { name }: Member) =>
    (name === '[]' || name === '{}') &&
    !all.some(([other]) => other.startsWith(`${path}.`) || other.startsWith(`${path}[`))
  const paths = all.filter(([path, member]) => !isScalar(path, member)).map(([path]) => path)
  return paths.filter(
    (path) =>
      !paths.some((other) => other !== path && /^[.[{]/.test(other.slice(path.length)) && other.startsWith(path)),
  )
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
  checkCovered(t, leaves(loadSchemas('spec-schemas'), 'config.json'))
  t.end()
})

tap.test('every property of the official schema is accounted for', { skip: noOfficial }, (t) => {
  const official = leaves(loadSchemas(OFFICIAL), 'config-schema.json')
  checkCovered(t, official)
  t.strictSame(leaves(loadSchemas('spec-schemas'), 'config.json').sort(), official.sort(), 'ours has the same')
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
