/** For tests: messages of systemd as bytes. */

import { type DbusValue, marshal } from './dbus-values.ts'

export function reply(replyTo: number, signature: string, body: readonly DbusValue[]): Uint8Array {
  return message(2, [[5, 'u', replyTo]], signature, body)
}

export function failure(replyTo: number, name: string, text: string): Uint8Array {
  return message(
    3,
    [
      [5, 'u', replyTo],
      [4, 's', name],
    ],
    's',
    [text],
  )
}

export function removed(job: string, result: string): Uint8Array {
  return message(
    4,
    [
      [1, 'o', '/org/freedesktop/systemd1'],
      [3, 's', 'JobRemoved'],
    ],
    'uoss',
    [5, job, 'x.scope', result],
  )
}

function message(
  type: number,
  fields: [number, string, DbusValue][],
  signature: string,
  body: readonly DbusValue[],
): Uint8Array {
  const content: number[] = []
  marshal(content, signature, body)
  const header = fields.map(([field, code, value]): DbusValue => [field, { signature: code, value }])
  if (signature !== '') header.push([8, { signature: 'g', value: signature }])
  const bytes: number[] = []
  marshal(bytes, 'yyyyuua(yv)', [0x6c, type, 1, 1, content.length, 99, header])
  while (bytes.length % 8 !== 0) bytes.push(0)
  return Uint8Array.from([...bytes, ...content])
}
