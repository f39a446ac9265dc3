// Compiles the schemas with ajv to the code that checks documents at run time; nothing else of ajv is left there.

import { _, Ajv, type CodeKeywordDefinition, type KeywordCxt } from 'ajv'
import { getProperty } from 'ajv/dist/compile/codegen/code.js'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { type Bundle, inlineSingle, mapValues, type Schema } from './schema-bundle.ts'

/**
 * Checks the range of an integer with 64 bits and makes it a bigint. `type: integer` would refuse a bigint, and a double
 * cannot hold the limits.
 */
const int64: CodeKeywordDefinition = {
  keyword: 'x-int64',
  schemaType: 'string',
  code(cxt: KeywordCxt) {
    const { gen, data, it } = cxt
    const [low, high] =
      cxt.schema === 'signed' ? [_`-9223372036854775808n`, _`9223372036854775807n`] : [_`0n`, _`18446744073709551615n`]
    const isSafe = _`Number.isSafeInteger(${data})`
    gen.if(
      cxt.schema === 'signed' ? isSafe : _`${isSafe} && ${data} >= 0`,
      () => gen.assign(_`${it.parentData}[${it.parentDataProperty}]`, _`BigInt(${data})`),
      () => cxt.fail(_`typeof ${data} != "bigint" || ${data} < ${low} || ${data} > ${high}`),
    )
  },
}

/** Reports that the member is present, so that the caller can warn of it and remove it. */
const ignored: CodeKeywordDefinition = {
  keyword: 'x-ignored',
  schemaType: 'string',
  code: (cxt: KeywordCxt) => cxt.error(),
}

/** An empty member is absent, as in Go, and removed before another try. */
const present: CodeKeywordDefinition = {
  keyword: 'x-present',
  type: 'string',
  schemaType: 'boolean',
  code: (cxt: KeywordCxt) => cxt.fail(_`${cxt.data} === ""`),
}

/**
 * Reports that there are unknown members, by counting the known ones: a loop over all takes several times as long.
 * Without a type, so that it comes before the keywords of objects, which fill in defaults.
 */
const counted: CodeKeywordDefinition = {
  keyword: 'x-counted',
  schemaType: 'array',
  code(cxt: KeywordCxt) {
    const { gen, data } = cxt
    let known = _`0`
    // Booleans would be slower to add.
    for (const name of cxt.schema as string[]) known = _`${known} + (${data}${getProperty(name)} === undefined ? 0 : 1)`
    gen.if(data, () => {
      const all = gen.const('all', _`Object.keys(${data}).length`)
      cxt.fail(_`${all} !== 0 && ${all} !== ${known}`)
    })
  },
}

/** A module that exports a function for each of `exports`, the names of definitions by what they are exported as. */
export function validatorsOf({ definitions }: Bundle, exports: Readonly<Record<string, string>>): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, lines: true },
    allErrors: true,
    useDefaults: true,
    // Problems get their words at run time, from the schema.
    messages: false,
    strict: true,
    // The static program has no Unicode tables.
    unicodeRegExp: false,
    keywords: [int64, ignored, present, counted],
  })
  const schemas = inlineSingle(definitions, Object.values(exports))
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(forAjv(schema), name)
  return withLiterals(withoutSchemaPaths(standaloneCode(ajv, exports)))
}

/** What of a schema ajv is to check. */
function forAjv(schema: Schema): object {
  const { items, properties, additionalProperties: others } = schema
  const { description, title, 'x-expected': expected, 'x-int64': isInt64, ...rest } = schema
  if (isInt64) return { 'x-int64': (schema.minimum as bigint) < 0 ? 'signed' : 'unsigned' }
  return {
    ...rest,
    ...(items !== undefined && { items: forAjv(items) }),
    ...(others && { additionalProperties: forAjv(others) }),
    ...(properties !== undefined && {
      properties: mapValues(properties, memberForAjv),
      ...(others === undefined && { 'x-counted': Object.keys(properties) }),
    }),
  }
}

function memberForAjv(schema: Schema): object {
  const isText = schema.type === 'string' && schema.enum === undefined
  return isText ? { ...forAjv(schema), 'x-present': true } : forAjv(schema)
}

/** Nobody reads them, and they are a seventh of the code. */
function withoutSchemaPaths(code: string): string {
  return code.replace(/schemaPath:"[^"]*",/g, '')
}

/** The static program has no compiler of regular expressions, only literals. */
function withLiterals(code: string): string {
  return code.replace(/new RegExp\(("(?:[^"\\]|\\.)*"), ""\)/g, (_, pattern) => `/${JSON.parse(pattern)}/`)
}
