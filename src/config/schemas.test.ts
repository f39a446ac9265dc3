// Holds the checks that are generated from spec-schemas/ against two other opinions: ajv's of the same schemas, and ajv's of
// the official ones of runtime-spec 1.3.0, which are looked for beside the repository.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import fc from 'fast-check'
import t from 'tap'
import { checkConfig } from '../../build/gen/check-config.ts'
import { checkFeatures } from '../../build/gen/check-features.ts'
import { checkState } from '../../build/gen/check-state.ts'
import { formatProblem, type Problem, RuntError } from '../errors.ts'
import { type CheckMembers, decode } from './decode.ts'
import { type Json, parseJson } from './json.ts'
import { parseConfig } from './parse-config.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Schema | readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly required?: readonly string[]
}

/** A schema whose references have been followed, and the file that its own begin from. */
interface Place {
  readonly schema: Schema
  readonly file: string
}

type Document = Record<string, unknown>
const OFFICIAL = '../shared/oci'
const skip = existsSync(OFFICIAL) ? false : `no official schemas in ${OFFICIAL}`

function load(directory: string): Map<string, Schema> {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : []
  return new Map(
    names.map((name) => {
      // One reference of the official schemas lacks its slash, and ajv knows no draft-04.
      const text = readFileSync(join(directory, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/')
      const { $schema, ...schema } = JSON.parse(text)
      return [name, schema as Schema]
    }),
  )
}

function compile(schemas: Map<string, Schema>, name: string): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false })
  for (const [file, schema] of schemas) ajv.addSchema(schema, file)
  return ajv.getSchema(name) as ValidateFunction
}

function resolve(schemas: Map<string, Schema>, { schema, file }: Place): Place {
  if (schema.anyOf !== undefined) return resolve(schemas, { schema: schema.anyOf[0] as Schema, file })
  if (schema.allOf !== undefined) {
    const parts = schema.allOf.map((part) => resolve(schemas, { schema: part, file }).schema)
    const properties = Object.assign({}, ...parts.map((part) => part.properties))
    return { file, schema: { type: 'object', properties, required: parts.flatMap((part) => part.required ?? []) } }
  }
  if (schema.$ref === undefined) return { schema, file }
  const [path, pointer] = schema.$ref.split('#') as [string, string]
  const target = path === '' ? file : path
  let found: unknown = schemas.get(target)
  for (const step of pointer.split('/').filter((step) => step !== '')) found = (found as Document)[step]
  return resolve(schemas, { schema: found as Schema, file: target })
}

const samples = ['RLIMIT_CORE', '0-3, 7', '2MB', 'MB:0=20', 'c', 'CAP_CHOWN']

/** Documents that the schema allows; of optional members, a few at a time. */
function arbitrary(schemas: Map<string, Schema>, from: Place): fc.Arbitrary<unknown> {
  const { schema, file } = resolve(schemas, from)
  const inner = (schema: Schema) => arbitrary(schemas, { schema, file })
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const { pattern } = schema
  if (pattern !== undefined) return fc.constantFrom(...samples.filter((sample) => new RegExp(pattern).test(sample)))
  if (schema.type === 'string') return fc.constantFrom('', 'a', '/x')
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'integer') return integers(schema)
  if (schema.type === 'array') {
    const items = (Array.isArray(schema.items) ? schema.items[0] : schema.items) as Schema
    return fc.array(inner(items), { minLength: schema.minItems ?? 0, maxLength: 2 })
  }
  const values = schema.additionalProperties ?? Object.values(schema.patternProperties ?? {})[0]
  if (values !== undefined)
    return fc.dictionary(fc.constantFrom('a', 'B.c', '__proto__'), inner(values), { maxKeys: 2 })
  const properties = Object.entries(schema.properties ?? {})
  const optional = properties.filter(([name]) => !schema.required?.includes(name))
  return fc.subarray(optional, { maxLength: Math.min(optional.length, 4) }).chain((chosen) => {
    const needed = properties.filter(([name]) => schema.required?.includes(name))
    return fc.record(Object.fromEntries([...needed, ...chosen].map(([name, schema]) => [name, inner(schema)])))
  })
}

function integers({ minimum = -(2 ** 40), maximum = 2 ** 40 }: Schema): fc.Arbitrary<number> {
  const [low, high] = [Math.max(minimum, -(2 ** 52)), Math.min(maximum, 2 ** 52)]
  return fc.constantFrom(low, high, Math.max(low, 0), Math.max(low, 1))
}

const intruders = [
  null,
  '',
  'x',
  0,
  -1,
  1.5,
  512,
  2 ** 32,
  2 ** 32 - 1,
  -(2 ** 31) - 1,
  true,
  [],
  {},
  [null],
  { a: 1 },
  [''],
]

/** Puts something else at one place of a document, or takes out what is there. */
function mutate(document: unknown, where: number, what: unknown): void {
  const places: [Document, string][] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      places.push([value as Document, key])
      visit((value as Document)[key])
    }
  }
  visit(document)
  const place = places[where % Math.max(places.length, 1)]
  if (place === undefined) return
  const [parent, key] = place
  if (what === undefined && !Array.isArray(parent)) delete parent[key]
  else
    Object.defineProperty(parent, key, {
      value: structuredClone(what ?? null),
      enumerable: true,
      configurable: true,
      writable: true,
    })
}

/**
 * Takes from a document what decode() takes as absent, like Go: members that are null, or empty strings. Then what the
 * official schemas forbid, but the specification's text, or runc in agreement with engines, allows.
 */
function lenient(schemas: Map<string, Schema>, from: Place, value: unknown, path = ''): void {
  const { schema, file } = resolve(schemas, from)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    if (schema.items === undefined) return
    const items = (Array.isArray(schema.items) ? schema.items[0] : schema.items) as Schema
    for (const item of value) lenient(schemas, { schema: items, file }, item, `${path}[]`)
    return
  }
  const object = value as Document
  const values = schema.additionalProperties
  if (values !== undefined)
    for (const key in object) lenient(schemas, { schema: values, file }, object[key], `${path}{}`)
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const isText = resolve(schemas, { schema: member, file }).schema.type === 'string'
    if (object[name] === null || (object[name] === '' && isText)) delete object[name]
    else lenient(schemas, { schema: member, file }, object[name], `${path}.${name}`)
  }
  forgive(object, path)
}

function forgive(object: Document, path: string): void {
  // config-linux.md: "fileMode (uint32, OPTIONAL)"; podman has written modes with the type in it.
  if (path === '.linux.devices[]' && isInteger(object.fileMode, 511, 2 ** 32 - 1)) object.fileMode = 0
  // config-linux.md: "limit (int64, OPTIONAL)".
  if (path === '.linux.resources.pids') object.limit ??= 0
}

function isInteger(value: unknown, above: number, highest: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > above && value <= highest
}

/** What we refuse and the official schemas do not, by the text of the specification. */
const stricter: readonly RegExp[] = [
  /^root: is required$/, // config.md: REQUIRED on all platforms but Windows
  /^linux\.personality\.domain: is required$/, // "(string, REQUIRED)"
  /^linux\.memoryPolicy\.mode: is required$/, // "(string, REQUIRED)"
  /^linux\.resources\.devices\[\d+\]\.type: must be one of a, b, c, not "/, // "`a` (all), `c` (char), or `b` (block)"
  /^vm\.hwConfig\.iomems\[[1-9]\d*\]/, // the official schema looks at the first entry only
  /^process\.oomScoreAdj: must be an integer from .*, not -?\d+$/, // the kernel's type
]

function problemsOf(document: unknown, check: CheckMembers): readonly Problem[] {
  return decode(document as Json, check).problems
}

function describe(errors: readonly ErrorObject[] | null | undefined): string {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n')
}

function show(document: unknown, ours: readonly string[], theirs: string): string {
  return `${JSON.stringify(document)}\nours:\n${ours.join('\n')}\najv:\n${theirs}`
}

/** Documents of the official schema, every other one with something wrong. */
function documents(schemas: Map<string, Schema>, name: string): fc.Arbitrary<unknown> {
  const root: Place = { schema: { $ref: `${name}#` }, file: name }
  const intruder = fc.tuple(fc.nat(), fc.constantFrom(undefined, ...intruders))
  return fc.tuple(arbitrary(schemas, root), fc.array(intruder, { maxLength: 2 })).map(([document, changes]) => {
    const copy = structuredClone(document)
    for (const [where, what] of changes) mutate(copy, where, what)
    return copy
  })
}

const kinds = [
  { name: 'config', check: checkConfig, own: 'config.json', official: 'config-schema.json', runs: 4000 },
  { name: 'state', check: checkState, own: 'state.json', official: 'state-schema.json', runs: 500 },
  { name: 'features', check: checkFeatures, own: 'features.json', official: 'features-schema.json', runs: 1000 },
]

for (const { name, check, own, official, runs } of kinds) {
  t.test(`${name}: as ajv reads our schemas`, (t) => {
    const ours = load('spec-schemas')
    const validate = compile(ours, own)
    const root: Place = { schema: { $ref: `${own}#` }, file: own }
    let valid = 0
    const agree = (document: unknown): void => {
      const cleaned = structuredClone(document)
      lenient(ours, root, cleaned)
      const isValid = validate(cleaned)
      const problems = problemsOf(structuredClone(document), check).map(formatProblem)
      if (isValid !== (problems.length === 0)) throw new Error(show(document, problems, describe(validate.errors)))
      if (isValid) valid++
    }
    t.doesNotThrow(() => fc.assert(fc.property(documents(ours, own), agree), { numRuns: runs }))
    t.ok(valid > runs / 20 && valid < runs, `${valid} of ${runs} were valid`)
    t.end()
  })

  t.test(`${name}: as the official schemas`, { skip }, (t) => {
    const schemas = load(OFFICIAL)
    const validate = compile(schemas, official)
    const root: Place = { schema: { $ref: `${official}#` }, file: official }
    let valid = 0
    const agree = (document: unknown): void => {
      const cleaned = structuredClone(document)
      lenient(schemas, root, cleaned)
      const isValid = validate(cleaned)
      const problems = problemsOf(structuredClone(document), check).map(formatProblem)
      const serious = problems.filter((problem) => !stricter.some((pattern) => pattern.test(problem)))
      if (isValid !== (serious.length === 0)) throw new Error(show(document, problems, describe(validate.errors)))
      if (isValid) valid++
    }
    t.doesNotThrow(() => fc.assert(fc.property(documents(schemas, official), agree), { numRuns: runs }))
    t.ok(valid > runs / 20 && valid < runs, `${valid} of ${runs} were valid`)
    t.end()
  })

  t.test(`${name}: the official fixtures`, { skip }, (t) => {
    for (const verdict of ['good', 'bad'] as const) {
      const directory = join(OFFICIAL, 'fixtures', name, verdict)
      for (const file of existsSync(directory) ? readdirSync(directory) : []) {
        t.equal(verdictOn(readFileSync(join(directory, file), 'utf8'), check), verdict, `${verdict}/${file}`)
      }
    }
    t.end()
  })
}

t.test('whatever a config holds, it is parsed or refused with a list of problems', (t) => {
  let valid = 0
  const parse = (document: unknown): void => {
    try {
      parseConfig(JSON.stringify(document), 'config.json')
      valid++
    } catch (error) {
      if (!(error instanceof RuntError) || error.code !== 'config' || !error.problems?.length) throw error
    }
  }
  const configs = documents(load('spec-schemas'), 'config.json')
  const version = (config: unknown) => Object.assign(config as Document, { ociVersion: '1.3.0' })
  t.doesNotThrow(() => fc.assert(fc.property(configs.map(version), parse), { numRuns: 3000 }))
  t.ok(valid > 20, `${valid} were valid`)
  t.end()
})

function verdictOn(text: string, check: CheckMembers): 'good' | 'bad' {
  let document: Json
  try {
    document = parseJson(text, '')
  } catch {
    return 'bad'
  }
  const problems = problemsOf(document, check).map(formatProblem)
  return problems.every((problem) => stricter.some((pattern) => pattern.test(problem))) ? 'good' : 'bad'
}
