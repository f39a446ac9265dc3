// Texts for systemd: annotations in GVariant's notation, unit names, addresses, and the files of `unified`.

import { cpuMask } from '../../src/cgroup/unit/cpu-mask.ts'
import { unifiedProperties } from '../../src/cgroup/unit/unified-properties.ts'
import type { Problem } from '../../src/errors.ts'
import { annotationProperties } from '../../src/systemd/annotations.ts'
import { busSockets, busTimeout } from '../../src/systemd/bus-address.ts'
import { systemdVersion } from '../../src/systemd/conversation.ts'
import { marshal, unmarshal, type Variant } from '../../src/systemd/dbus-values.ts'
import { parseGVariant } from '../../src/systemd/gvariant.ts'
import { formatGVariant } from '../../src/systemd/gvariant-text.ts'
import type { Property } from '../../src/systemd/property.ts'
import { expandSlice, parseUnit } from '../../src/systemd/unit.ts'
import { holds, orRefused, orRuntError, same, type Target, textOf } from '../target.ts'

/** The value sent to systemd is the property's. */
function onTheWire({ signature, value }: Omit<Property, 'name'>): unknown {
  const bytes: number[] = []
  marshal(bytes, signature, [value])
  return unmarshal(new DataView(Uint8Array.from(bytes).buffer), 0, signature, 'little').values[0]
}

function gvariant(input: Uint8Array): void {
  const text = textOf(input)
  const variant = orRefused(SyntaxError, () => parseGVariant(text))
  const problems: Problem[] = []
  const found = annotationProperties(
    { 'org.systemd.property.Memory': text, 'org.systemd.property.TimeoutSec': text },
    problems,
  )
  holds(
    'told',
    problems.every(
      ({ message }) =>
        !/call stack|is not a function|of undefined|\[object O/.test(message.replace(JSON.stringify(text), '')),
    ),
  )
  for (const property of found)
    holds(
      'told otherwise',
      String(onTheWire(property)) === String(property.value) || typeof property.value !== 'bigint',
    )
  if (variant === undefined) return
  const annotated = /^[ \n\t]*@(\S+) /.exec(text)
  if (annotated !== null) same('the type', variant.signature, annotated[1])
  same('printed', printed(parseGVariant(formatGVariant(variant))), printed(variant))
  same('sent', onTheWire(variant), unmarshalled(variant))
}

const printed = ({ signature, value }: Variant): unknown => [
  signature,
  JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item)),
]

/** Lone surrogates become replacement characters on the wire. */
const unmarshalled = (variant: Variant): unknown =>
  onTheWire({ ...variant, value: onTheWire(variant) as Variant['value'] })

function unit(input: Uint8Array): void {
  const text = textOf(input)
  for (const kind of ['system', 'user'] as const) {
    const planned = orRuntError(() => parseUnit('web', text, kind))
    if (planned === undefined) continue
    const path = `${expandSlice(planned.slice)}/${planned.name}`
    holds(
      `leads elsewhere: ${path}`,
      path.startsWith('/') && !path.split('/').some((part) => part === '..' || part === '.'),
    )
    holds('a name', planned.name.endsWith('.scope') && !planned.name.includes('/'))
  }
  const sockets = orRuntError(() => busSockets('system', () => text)) ?? []
  holds(
    'a socket',
    sockets.every(({ path }) => typeof path === 'string'),
  )
  holds('a time', !Number.isNaN(busTimeout(text) ?? 0))
  holds('a version', Number.isInteger(orRuntError(() => systemdVersion(text)) ?? 0))
  const mask = cpuMask(text.slice(0, 64))
  holds('a mask', mask === undefined || (mask.length > 0 && mask.length <= 8192 && mask.at(-1) !== 0))
}

/** Lines `file value`. */
function unified(input: Uint8Array): void {
  const entries = textOf(input)
    .split('\n')
    .map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)] as const)
  for (const version of [240, 260]) {
    const problems: Problem[] = []
    const target = { version, cgroups: 'v2' } as const
    for (const property of unifiedProperties(Object.fromEntries(entries), target, problems)) {
      holds(
        `a name: ${String(property.name)}`,
        typeof property.name === 'string' && /^[A-Za-z0-9]+$/.test(property.name),
      )
      onTheWire(property)
    }
  }
}

const types = [
  '@as ',
  '@ai ',
  '@(i) ',
  'uint64 ',
  'byte ',
  'double ',
  'objectpath ',
  "'x'",
  '[',
  ']',
  '(',
  ',)',
  '<',
  '>',
  '\\u00',
  '-0x',
  'constructor ',
]
const files = [
  'cpu.max=',
  'cpuset.cpus=0-3',
  'memory.max=max',
  'pids.max=',
  'cpu.weight=',
  'cpu.idle=1',
  'memory.oom.group=1',
  '\n',
  '100000 ',
  'toString=',
]

export const systemd: readonly Target[] = [
  { name: 'gvariant', form: 'bytes', words: types, run: gvariant },
  {
    name: 'unit',
    form: 'bytes',
    words: [':', '-', '.slice', '.scope', 'unix:path=', 'unix:abstract=', ',guid=', '%2f', ';', 'v252', '0-3', 'min'],
    run: unit,
  },
  { name: 'unified', form: 'bytes', words: files, run: unified },
]
