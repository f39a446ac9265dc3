/**
 * Parses the text of a config.json to a Config, or to the list of all problems: JSON, then the schema, then
 * normalisation (normalise.ts), then the rules. Also for parts in files of their own: the process of `exec --process`
 * and the resources of `update --resources`. Reads no files.
 */

import * as definitions from '../../build/gen/definitions.js'
import * as validators from '../../build/gen/validators.js'
import { type ErrorDetails, formatProblems, type Problem, RuntError } from '../errors.ts'
import { suggest } from '../suggest.ts'
import type { Config, Process, Resources } from './config.ts'
import { type Decoded, decode, decodeText, type Form } from './decode.ts'
import { type Json, parseExact, positionAt } from './json.ts'
import type { Unknown } from './like-go.ts'
import { normaliseConfig, normaliseProcess, normaliseResources, setSeccompReceiver } from './normalise.ts'
import { findPlaces } from './positions.ts'
import type { Report } from './rule.ts'
import { checkNul } from './rules/nul.ts'
import { checkProcess } from './rules/process.ts'
import { checkResources } from './rules/resources.ts'
import { checkRules } from './rules.ts'

/** A kind of document, with its schema check and its rules. */
interface Kind<T> {
  readonly form: Form
  readonly normalise: (document: T, warn: Report) => void
  readonly rules: (document: T, report: Report, warn: Report) => void
}

const configKind: Kind<Config> = {
  form: { validate: validators.config, definition: definitions.Config },
  normalise: normaliseConfig,
  rules: checkRules,
}
const processKind: Kind<Process> = {
  form: { validate: validators.process, definition: definitions.Process },
  normalise: normaliseProcess,
  rules: (process, report, warn) => checkProcess(process, '', report, warn),
}
const resourcesKind: Kind<Resources> = {
  form: { validate: validators.resources, definition: definitions.Resources },
  normalise: normaliseResources,
  rules: (resources, report) => checkResources(resources, '', report),
}

export interface ParsedConfig {
  readonly config: Config
  readonly warnings: readonly Problem[]
}

/**
 * Parses a bundle's config; `source` is the file's name in messages, `receiver` an agent's socket for a seccomp profile
 * without listenerPath. Throws a RuntError with every problem.
 */
export function parseConfig(text: string, source: string, receiver?: string): ParsedConfig {
  const { document, warnings } = parse(text, source, kindWith(receiver))
  return { config: document, warnings }
}

function kindWith(receiver: string | undefined): Kind<Config> {
  if (receiver === undefined) return configKind
  const normalise = (config: Config, warn: Report): void => {
    normaliseConfig(config, warn)
    setSeccompReceiver(config, receiver)
  }
  return { ...configKind, normalise }
}

/** Parses the file of `exec --process`. */
export function parseProcess(text: string, source: string): { process: Process; warnings: readonly Problem[] } {
  const { document, warnings } = parse(text, source, processKind)
  return { process: document, warnings }
}

/** Parses the file of `update --resources`. */
export function parseResources(text: string, source: string): Resources {
  return parse(text, source, resourcesKind).document
}

export interface ValidatedConfig {
  /** undefined if it does not have the form of a config; it may still break rules. */
  readonly config: Config | undefined
  readonly problems: Problem[]
  readonly warnings: Problem[]
}

/**
 * For `validate`: every problem and warning. Throws only if the text is not JSON.
 * `receiver` as in parseConfig.
 */
export function validateConfig(text: string, source: string, receiver?: string): ValidatedConfig {
  const document = parseExact(text, source)
  const decoded = decode(document, configKind.form)
  const { problems, warnings } = check(text, document, decoded, kindWith(receiver))
  return {
    config: decoded.problems.length === 0 ? (document as unknown as Config) : undefined,
    problems: problems.map(inWords),
    warnings: [...duplicates(text), ...warnings, ...decoded.unknown.flatMap(describeUnknown)],
  }
}

function duplicates(text: string): Problem[] {
  return findPlaces(text).duplicates.map(({ path, key, at }) => {
    const message = `${JSON.stringify(key)} occurs twice, the last one counts`
    return { path, message, position: positionAt(text, at) }
  })
}

/** "Runtimes MAY log unknown properties but MUST otherwise ignore them." Editors read `$schema`. */
function describeUnknown({ path, key, names }: Unknown): Problem[] {
  if (path === '["$schema"]') return []
  const suggestion = suggest(key, names)
  return [{ path, message: 'unknown property', ofKey: true, ...(suggestion !== undefined && { suggestion }) }]
}

function parse<T>(text: string, source: string, kind: Kind<T>): { document: T; warnings: readonly Problem[] } {
  const { document, decoded } = decodeText(text, source, kind.form)
  const { problems, warnings } = check(text, document, decoded, kind)
  if (problems.length > 0) throw configError(source, problems)
  return { document: document as unknown as T, warnings }
}

function check<T>(
  text: string,
  json: Json,
  decoded: Decoded,
  kind: Kind<T>,
): { problems: Problem[]; warnings: Problem[] } {
  const document = json as unknown as T
  const problems = [...decoded.problems]
  const warnings = [...decoded.warnings]
  const report = reportTo(problems)
  const warn = reportTo(warnings)
  if (problems.length > 0) {
    reportWhatElse(document, decoded.problems, kind, report)
    return { problems, warnings }
  }
  kind.normalise(document, warn)
  kind.rules(document, report, warn)
  checkNul(text, document, report)
  return { problems, warnings }
}

const reportTo =
  (list: Problem[]): Report =>
  (path, message, suggestion) =>
    void list.push({ path, message, ...(suggestion !== undefined && { suggestion }) })

/**
 * Runs the rules on a document that fails the schema check, so that the user sees all problems at once. Leaves out
 * problems about values already reported, and those that depend on unknown namespaces.
 */
function reportWhatElse<T>(document: T, known: readonly Problem[], kind: Kind<T>, report: Report): void {
  if (known.some(({ path }) => path === '' || path === 'linux' || path === 'linux.namespaces')) return
  const isUncertain = known.some(({ path }) => path.startsWith('linux.namespaces'))
  const isKnown = (path: string, message: string) =>
    known.some((problem) => path.startsWith(scopeOf(problem))) ||
    (isUncertain && message.includes('namespace') && !path.startsWith('linux.namespaces'))
  const ignore: Report = () => {}
  try {
    kind.rules(document, (path, message, meant) => isKnown(path, message) || report(path, message, meant), ignore)
  } catch {
    // a rule met an invalid value, which has been reported
  }
}

/**
 * What may be wrong because of a problem: for small objects the whole object, because its members depend on each other;
 * for the large ones only the member itself.
 */
function scopeOf({ path }: Problem): string {
  const dot = path.lastIndexOf('.')
  return path.indexOf('.') < dot ? path.slice(0, dot) : path
}

/** runc's wording for a problem with these properties, for users who search for it. */
const words: Readonly<Record<string, string>> = {
  'linux.memoryPolicy.mode': 'invalid memory policy mode',
  'linux.memoryPolicy.flags': 'invalid memory policy flag',
  'linux.memoryPolicy.nodes': 'invalid memory policy node',
}

function inWords(problem: Problem): Problem {
  const word = words[problem.path.replace(/\[\d+\]$/, '')]
  return word === undefined ? problem : { ...problem, message: `${word}: ${problem.message}` }
}

function configError(source: string, problems: readonly Problem[]): RuntError {
  const details: ErrorDetails = { path: source, problems }
  return new RuntError('config', `${source}: ${formatProblems(problems.map(inWords))}`, details)
}
