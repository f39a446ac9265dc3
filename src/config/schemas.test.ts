// Compares decode() with what ajv finds by the same schemas as they are, which is what an editor shows, and with what it
// finds by the official ones of runtime-spec 1.3.0, which are looked for beside the repository. Every property of either is made
// invalid in every way of testing/documents.ts, in documents that vary otherwise.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import t, { type Test } from 'tap'
import * as definitions from '../../build/gen/definitions.js'
import * as validators from '../../build/gen/validators.js'
import { formatProblem, RuntError } from '../errors.ts'
import { fc, seed } from '../testing/random.ts'
import { decode, type Form } from './decode.ts'
import { parseJson, stringify } from './json.ts'
import { parseConfig } from './parse-config.ts'
import { documents, type Mutation, mutate, mutationsOf } from './testing/documents.ts'
import {
  itemsOf,
  loadSchemas,
  membersByPath,
  noOfficial,
  OFFICIAL,
  type Place,
  resolve,
  rootOf,
  type Schemas,
  valuesOf,
} from './testing/schema.ts'

type Document = Record<string, unknown>

const schemasIn = { own: loadSchemas('spec-schemas'), official: loadSchemas(OFFICIAL) }

function compile(schemas: Schemas, name: string): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false })
  for (const [file, schema] of schemas) ajv.addSchema(schema, file)
  return ajv.getSchema(name) as ValidateFunction
}

/**
 * Removes what decode() treats as absent, like Go: members that are null, or empty strings; and corrects the case of
 * keys. Then what the official schemas forbid, but the specification's text, or runc in agreement with engines, allows.
 */
function lenient(schemas: Schemas, from: Place, value: unknown, path = ''): void {
  const { schema, file } = resolve(schemas, from)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items !== undefined) for (const item of value) lenient(schemas, { schema: items, file }, item, `${path}[]`)
    return
  }
  const object = value as Document
  const values = valuesOf(schema)
  if (values !== undefined)
    for (const key in object) lenient(schemas, { schema: values, file }, object[key], `${path}{}`)
  spellAsSchema(object, Object.keys(schema.properties ?? {}))
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const isText = resolve(schemas, { schema: member, file }).schema.type === 'string'
    if (object[name] === null || (object[name] === '' && isText)) delete object[name]
    else lenient(schemas, { schema: member, file }, object[name], `${path}.${name}`)
  }
  forgive(object, path)
}

/** Go's decoder, and so ours, ignores the case of member names. */
function spellAsSchema(object: Document, names: readonly string[]): void {
  for (const key of Object.keys(object)) {
    const name = names.find((name) => name.toLowerCase() === key.toLowerCase())
    if (name === undefined || Object.hasOwn(object, name)) continue
    object[name] = object[key]
    delete object[key]
  }
}

function forgive(object: Document, path: string): void {
  // config-linux.md: "fileMode (uint32, OPTIONAL)"; podman used to write modes that include the type.
  if (path === '.linux.devices[]' && isInteger(object.fileMode, 511, 2 ** 32 - 1)) object.fileMode = 0
  // config-linux.md: "limit (int64, OPTIONAL)".
  if (path === '.linux.resources.pids') object.limit ??= 0
}

function isInteger(value: unknown, above: number, highest: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > above && value <= highest
}

/** What we refuse and the official schemas allow, justified by the text of the specification. */
const stricter: readonly RegExp[] = [
  /^linux\.timeOffsets\.\w+: is unknown here/, // "The name of the clock is the entry key": the kernel refuses others
  /^root: is required$/, // config.md: REQUIRED on all platforms but Windows
  /^linux\.personality\.domain: is required$/, // "(string, REQUIRED)"
  /^linux\.memoryPolicy\.mode: is required$/, // "(string, REQUIRED)"
  /^linux\.resources\.devices\[\d+\]\.type: must be one of a, b, c, not "/, // "`a` (all), `c` (char), or `b` (block)"
  /^vm\.hwConfig\.iomems\[[1-9]\d*\]/, // the official schema checks only the first entry
  /^process\.oomScoreAdj: must be an integer from .*, not -?\d+$/, // the kernel's type
]

const problemsOf = (text: string, form: Form): readonly string[] =>
  decode(parseJson(text, ''), form).problems.map(formatProblem)

const isSerious = (problem: string): boolean => !stricter.some((pattern) => pattern.test(problem))

const describe = (errors: readonly ErrorObject[] | null | undefined): string =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n')

const configForm: Form = { validate: validators.config, definition: definitions.Config }
const stateForm: Form = { validate: validators.state, definition: definitions.State }
const featuresForm: Form = { validate: validators.features, definition: definitions.Features }
const kinds = [
  { name: 'config', form: configForm, own: 'config.json', official: 'config-schema.json' },
  { name: 'state', form: stateForm, own: 'state.json', official: 'state-schema.json' },
  { name: 'features', form: featuresForm, own: 'features.json', official: 'features-schema.json' },
]

interface Comparison {
  readonly schemas: Schemas
  readonly file: string
  readonly form: Form
  readonly isProblem: (problem: string) => boolean
}

/** Compares our result for a document with ajv's, by the same text; returns whether both find it valid. */
function comparer({ schemas, file, form, isProblem }: Comparison): (document: unknown) => boolean {
  const validate = compile(schemas, file)
  return (document) => {
    const text = stringify(document)
    const ours = problemsOf(text, form).filter(isProblem)
    const cleaned = JSON.parse(text)
    lenient(schemas, rootOf(file), cleaned)
    const isValid = validate(cleaned)
    if (isValid === (ours.length === 0)) return isValid
    throw new Error(`${text}\nours:\n${ours.join('\n')}\najv:\n${describe(validate.errors)}`)
  }
}

const RUNS = 2

/** Applies every mutation to every property, in varying documents: both results must agree. */
function compareAll(t: Test, comparison: Comparison): void {
  const { schemas, file } = comparison
  const agree = comparer(comparison)
  const counts = { valid: 0, invalid: 0 }
  const unreached: string[] = []
  let checks = 0
  for (const [path, member] of membersByPath(schemas, file)) {
    const made = documents(schemas, rootOf(file), path)
    for (const mutation of [asItIs, ...mutationsOf(member)]) {
      const property = fc.property(made, (document) => {
        const copy = structuredClone(document)
        if (mutate(copy, path, mutation) === undefined) unreached.push(`${path}: ${mutation.kind}`)
        counts[agree(copy) ? 'valid' : 'invalid'] += 1
      })
      const result = fc.check(property, { numRuns: RUNS, seed: seed + checks++ })
      if (result.failed) t.fail(`${path}: ${mutation.kind}`, { seed: result.seed, found: String(result.errorInstance) })
    }
  }
  t.strictSame(unreached, [], 'every path was reached by every mutation')
  t.ok(counts.valid > 0 && counts.invalid > 0, `${counts.valid} documents were valid, ${counts.invalid} were not`)
}

const asItIs: Mutation = { kind: 'as it is', value: (old) => old }

for (const { name, form, own, official } of kinds) {
  t.test(`${name}: as ajv reads our schemas`, (t) => {
    compareAll(t, { schemas: schemasIn.own, file: own, form, isProblem: () => true })
    t.end()
  })

  t.test(`${name}: as the official schemas`, { skip: noOfficial }, (t) => {
    compareAll(t, { schemas: schemasIn.official, file: official, form, isProblem: isSerious })
    t.end()
  })

  t.test(`${name}: the official fixtures`, { skip: noOfficial }, (t) => {
    for (const verdict of ['good', 'bad'] as const) {
      const directory = join(OFFICIAL, 'fixtures', name, verdict)
      for (const file of existsSync(directory) ? readdirSync(directory) : []) {
        t.equal(verdictOn(readFileSync(join(directory, file), 'utf8'), form), verdict, `${verdict}/${file}`)
      }
    }
    t.end()
  })
}

t.test('several errors at once', { skip: noOfficial }, (t) => {
  const schemas = schemasIn.official
  const file = 'config-schema.json'
  const agree = comparer({ schemas, file, form: configForm, isProblem: isSerious })
  let valid = 0
  const property = fc.property(severalMutations(schemas, file), (document) => {
    if (agree(document)) valid++
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }))
  t.ok(valid > 100 && valid < 2900, `${valid} of 3000 were valid`)
  t.end()
})

/** Documents with up to four mutations anywhere, applied one after another where possible. */
function severalMutations(schemas: Schemas, file: string): fc.Arbitrary<unknown> {
  const all = [...membersByPath(schemas, file)].flatMap(([path, member]) =>
    mutationsOf(member).map((mutation) => ({ path, mutation })),
  )
  return fc.array(fc.constantFrom(...all), { maxLength: 4 }).chain((chosen) =>
    documents(schemas, rootOf(file), chosen[0]?.path ?? '').map((document) => {
      const copy = structuredClone(document)
      for (const { path, mutation } of chosen) mutate(copy, path, mutation)
      return copy
    }),
  )
}

t.test('any config is parsed or refused with a list of problems', (t) => {
  let valid = 0
  const parse = (document: unknown): void => {
    try {
      parseConfig(stringify(document), 'config.json')
      valid++
    } catch (error) {
      if (!(error instanceof RuntError) || error.code !== 'config' || !error.problems?.length) throw error
    }
  }
  const configs = severalMutations(schemasIn.own, 'config.json')
  const version = (config: unknown) => Object.assign(config as Document, { ociVersion: '1.3.0' })
  t.doesNotThrow(() => fc.assert(fc.property(configs.map(version), parse), { numRuns: 3000 }))
  t.ok(valid > 20, `${valid} were valid`)
  t.end()
})

function verdictOn(text: string, form: Form): 'good' | 'bad' {
  try {
    return problemsOf(text, form).some(isSerious) ? 'bad' : 'good'
  } catch {
    return 'bad'
  }
}
