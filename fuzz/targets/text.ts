// Texts: JSON, UTF-8, the command line, and the small notations of flags and config values.

import { type Command, commandTable, type Flag, globalFlags } from '../../src/cli/command-table.ts'
import { complete } from '../../src/cli/complete.ts'
import { parseDuration } from '../../src/cli/duration.ts'
import { helpPage } from '../../src/cli/help.ts'
import { jsonLine, textLine } from '../../src/cli/log.ts'
import { parseCommandLine } from '../../src/cli/parse.ts'
import { usageText } from '../../src/cli/usage.ts'
import { parseIdList } from '../../src/config/id-list.ts'
import { parseExact, parseJson, stringify } from '../../src/config/json.ts'
import { signalNumber } from '../../src/state/signals.ts'
import { idProblem } from '../../src/state/state-root.ts'
import { decodeUtf8, encodeUtf8 } from '../../src/utf8.ts'
import { holds, orRuntError, same, type Target, textOf } from '../target.ts'

/** The result of the engine's parser; undefined: not JSON. */
function enginesOpinion(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Integers as doubles, minus zero as zero. */
const comparable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item)) ?? 'null')

function json(input: Uint8Array): void {
  const text = textOf(input)
  const engine = enginesOpinion(text)
  const exact = orRuntError(() => ({ value: parseExact(text, 'x') }))
  if (!/[[{]/.test(text) || (text.match(/[[{]/g) ?? []).length <= 200)
    holds('the engine disagrees', (engine === undefined) === (exact === undefined))
  if (exact === undefined) return
  if (engine !== undefined) same('other than the engine', comparable(exact.value), comparable(engine.value))
  orRuntError(() => parseJson(text, 'x'))
  const printed = stringify(exact.value)
  for (const indent of ['', '  ']) same('printed', stringify(parseExact(stringify(exact.value, indent), 'x')), printed)
}

function utf8(input: Uint8Array): void {
  const text = decodeUtf8(input)
  let engine: string | undefined
  try {
    engine = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch {
    holds('wrong bytes pass', text.includes('\ufffd'))
  }
  if (engine !== undefined) {
    same('other than the engine', text, engine)
    same('encoded', [...encodeUtf8(text)], [...input])
  }
  const broken = Buffer.from(input).toString('latin1') + Buffer.from(input).toString('utf16le')
  same('encodes otherwise', [...encodeUtf8(broken)], [...new TextEncoder().encode(broken)])
  holds('half a pair', !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text))
}

function commandLine(input: Uint8Array): void {
  const words = textOf(input).split('\0')
  const { prefix, typed } = complete(words)
  same('completed', prefix + typed, words.at(-1))
  const line = parseCommandLine(words)
  holds('no kind', ['command', 'help', 'version', 'usage'].includes(line.kind))
  if (line.kind === 'help') helpPage(line.topic, 'runt')
  if (line.kind === 'usage')
    holds(
      'no message',
      line.problem.message !== '' && !/undefined|\[object/.test(usageText(line.problem, 'runt').advice),
    )
  if (line.kind !== 'command') return
  const { flags, count }: Command = commandTable[line.command]
  for (const { name, type } of flags) {
    const value = line.flags[name]
    const fits = { boolean: 'boolean', number: 'number', strings: 'object', string: 'string' }[type]
    holds(`--${name} is ${typeof value}`, typeof value === fits || (type === 'string' && value === undefined))
  }
  holds('too many', line.positionals.length >= count[0] && line.positionals.length <= count[1])
}

function notations(input: Uint8Array): void {
  const text = textOf(input)
  const duration = parseDuration(text)
  holds('no duration', duration === undefined || !Number.isNaN(duration))
  const ids = parseIdList(text.slice(0, 64))
  holds('ids', ids === undefined || ids.every((id) => Number.isInteger(id) && id >= 0 && id <= 65535))
  const signal = signalNumber(text)
  holds('signal', signal === undefined || (Number.isInteger(signal) && signal >= 0 && signal <= 64))
  holds('id', idProblem(text) !== undefined || (!text.includes('/') && text !== '.' && text !== '..' && text !== ''))
  holds('two lines', !/\n./.test(jsonLine('error', text, 'now')))
  same('log', JSON.parse(jsonLine('error', text, 'now')).msg.replace(/\ufffd/g, ''), text.replace(/\ufffd/g, ''))
  textLine('error', text, 'now')
}

const commands: readonly Command[] = Object.values(commandTable)
const flagWords = [...globalFlags, ...commands.flatMap(({ flags }): readonly Flag[] => flags)].map(
  ({ name }) => `\0--${name}`,
)

export const texts: readonly Target[] = [
  {
    name: 'json',
    form: 'bytes',
    words: ['[', '{', '"a":', '\\u', '\\ud83d', '1e5', '-0', 'true', 'null', ',', '}', ']', '\\"'],
    run: json,
  },
  { name: 'utf8', form: 'bytes', words: ['é', '€', '😀', '\ufeff'], run: utf8 },
  {
    name: 'command-line',
    form: 'bytes',
    words: [...Object.keys(commandTable), ...flagWords, '=', '\0--\0', '\0-'],
    run: commandLine,
  },
  {
    name: 'notations',
    form: 'bytes',
    words: ['1h', 'µs', '.5', '-', '+', '0-3', ',', 'SIGKILL', 'SIGRTMIN+1', '..'],
    run: notations,
  },
]
