// Folders import one way, as the table in docs/architecture.md says, and files import only what exists.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

const ABOVE_ALL = new Set(['main.ts', 'entry', 'testing'])

const allowed = new Map<string, Set<string>>()
for (const [, folder, imports] of readFileSync('docs/architecture.md', 'utf8').matchAll(
  /^\| `(\w+)` \|[^|]*\|([^|]*)\|$/gm,
)) {
  if (folder) allowed.set(folder, new Set([...(imports ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')))
}

const isSource = (path: string): boolean =>
  path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('testing/')
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(isSource)
const folderOf = (path: string): string => path.split('/')[0] ?? ''

/** [file, imported file], both below src; without packages and generated files. */
const imports = sources.flatMap((file) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, path]): [string, string] => [file, normalize(join(dirname(file), path ?? ''))],
  ),
)

t.test('every folder is in the table', async (t) => {
  const folders = new Set(sources.filter((path) => path.includes('/')).map(folderOf))
  for (const folder of folders) t.ok(ABOVE_ALL.has(folder) || allowed.has(folder), folder)
  t.ok(imports.length > 500, 'and imports are found')
})

t.test('a folder imports only those of its row', async (t) => {
  for (const [file, imported] of imports) {
    const [from, to] = [folderOf(file), folderOf(imported)]
    if (from === to || ABOVE_ALL.has(from) || to === '..' || !file.includes('/')) continue
    if (!imported.includes('/')) t.not(imported, 'main.ts', `${file} does not import main.ts`)
    else t.ok(allowed.get(from)?.has(to), `${file} imports ${imported}`)
  }
})

t.test('no folder imports one above it', async (t) => {
  const seen = new Set<string>()
  const visit = (folder: string, way: readonly string[]): void => {
    t.notOk(way.includes(folder), [...way, folder].join(' > '))
    if (way.includes(folder) || seen.has(folder)) return
    for (const below of allowed.get(folder) ?? []) visit(below, [...way, folder])
    seen.add(folder)
  }
  for (const folder of allowed.keys()) visit(folder, [])
})

t.test('no module is imported at run time: the snapshot has them all', async (t) => {
  for (const file of sources) t.notMatch(readFileSync(join('src', file), 'utf8'), /\bimport\(/, file)
})
