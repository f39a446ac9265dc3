// File system options from mounts[].options, prepared for fsconfig(2), which takes them one by one and no value over
// 255 bytes, or for mount(2), which takes a page of text.

import { RuntError } from '../errors.ts'
import type { PlanContext } from './context.ts'
import { mountLabel } from './labels.ts'
import type { DataOption } from './mount-options.ts'

/**
 * From fs/fsopen.c and fs/namespace.c of the kernel: longer text fails with EINVAL in fsconfig(2) and is truncated in
 * mount(2).
 */
const FSCONFIG_LIMIT = 255
const MOUNT_LIMIT = 4095

/** mounts[3].options[1] (overlay at /x), of mounts[3] (overlay at /x). */
export const optionName = (from: string, index: number | undefined): string =>
  index === undefined ? from : from.replace(' ', `.options[${index}] `)

const isSingle = ({ text }: DataOption): boolean => !text.includes(',') && !text.includes('"')

/**
 * Splits an option that contains several, as in the text of mount(2): `size=1m,mode=700`. An overlay's commas may be
 * escaped.
 */
export function splitData(type: string, data: readonly DataOption[]): readonly DataOption[] {
  if (data.every(isSingle)) return data
  const comma = type === 'overlay' ? /((?:[^,\\]|\\.)*),?/gsy : /((?:[^,"]|"[^"]*"?)*),?/gsy
  return data.flatMap(({ text, index }) =>
    [...text.matchAll(comma)]
      .filter(([, part]) => part !== '')
      .map(([, part = '']) => ({ text: unquoted(part), ...(index !== undefined && { index }) })),
  )
}

/** Labels may be quoted to protect their commas: mount(2) removes the quotes, fsconfig(2) does not. */
const isLabel = (text: string): boolean => /^(fs|def|root)?context=/.test(text)
const unquoted = (text: string): string => (isLabel(text) ? text.replaceAll('"', '') : text)
const quoted = (text: string): string => (isLabel(text) && text.includes(',') ? text.replace(/=(.*)/s, '="$1"') : text)

/** As in runc: types that SELinux labels file by file keep their labels. */
const unlabelled = ['proc', 'sysfs', 'mqueue']

export function labelled(context: PlanContext, type: string, data: readonly DataOption[]): readonly DataOption[] {
  const split = splitData(type, data)
  const label = mountLabel(context)
  if (label === undefined || unlabelled.includes(type)) return split
  return [...split, { text: `context=${label}` }]
}

const textOf = (text: string): string => text.slice(text.indexOf('=') + 1)

/** Whether the option is too long for fsconfig(2). */
export const isLong = ({ text }: DataOption): boolean => text.length > FSCONFIG_LIMIT / 3 && isLongValue(textOf(text))

export const isLongValue = (value: string): boolean =>
  value.length > FSCONFIG_LIMIT / 3 && utf8Length(value) > FSCONFIG_LIMIT

const utf8Length = (text: string): number =>
  [...text].reduce((length, c) => length + (c < '\u0080' ? 1 : c < '\u0800' ? 2 : c.length === 1 ? 3 : 4), 0)

/** The options as text for mount(2), or undefined if it would be truncated. */
export function classicData(data: readonly DataOption[]): string | undefined {
  const text = data.map((option) => quoted(option.text)).join(',')
  return text.length * 3 > MOUNT_LIMIT && utf8Length(text) > MOUNT_LIMIT ? undefined : text
}

/** Throws for an option that is too long for both calls. */
export function refuseLong(from: string, data: readonly DataOption[]): void {
  const long = data.find(isLong)
  if (long === undefined) return
  const path = optionName(from, long.index)
  const [key = ''] = long.text.split('=', 1)
  const length = utf8Length(textOf(long.text))
  const reason = `${key.length > 40 ? 'the option' : key}: is ${length} bytes long, where fsconfig(2) takes ${FSCONFIG_LIMIT}`
  const total = `and mount(2) ${MOUNT_LIMIT} of all options together`
  throw new RuntError('config', `${path}: ${reason} ${total}`, { path })
}

/**
 * Splits the layers of an overlay (kernel Documentation/filesystems/overlayfs.rst, since Linux 6.7), for any number of
 * them.
 */
export const separateLayers = (data: readonly DataOption[]): readonly DataOption[] =>
  data.flatMap((option) => {
    if (!option.text.startsWith('lowerdir=')) return [option]
    let key = 'lowerdir+'
    return layersOf(textOf(option.text)).flatMap((layer) => {
      // Layers after "::" are data-only.
      if (layer === '') key = 'datadir+'
      return layer === '' ? [] : [{ ...option, text: `${key}=${layer}` }]
    })
  })

/** Splits at unescaped colons; unlike lowerdir, `lowerdir+` takes no escapes. */
const layersOf = (text: string): string[] =>
  (text.match(/(?:[^:\\]|\\.)+|:(?=:)/gs) ?? []).map((part) => (part === ':' ? '' : part.replace(/\\(.)/gs, '$1')))
