/**
 * The sockets of systemd (D-Bus Specification, "Server Addresses" and "Well-known Message Bus Instances";
 * XDG_RUNTIME_DIR). An address in the environment is used exclusively. Otherwise systemd's own socket is tried first,
 * because it needs no bus daemon, which could be slow, missing, or the only one that answers; then the bus at its usual
 * path.
 */

import { RuntError } from '../errors.ts'
import type { Connection } from './session.ts'
import type { ManagerKind } from './unit.ts'

/** One socket to try. */
export interface BusSocket {
  /** An abstract name begins with "@". */
  readonly path: string
  readonly connection: Connection
}

type Environment = (name: string) => string | undefined

const SYSTEM: readonly BusSocket[] = [
  { path: '/run/systemd/private', connection: 'direct' },
  { path: '/run/dbus/system_bus_socket', connection: 'bus' },
]

/** The sockets to try, in order. Throws if the environment has an address without one. */
export function busSockets(kind: ManagerKind, env: Environment): readonly BusSocket[] {
  const variable = kind === 'system' ? 'DBUS_SYSTEM_BUS_ADDRESS' : 'DBUS_SESSION_BUS_ADDRESS'
  const address = env(variable)
  const directory = env('XDG_RUNTIME_DIR')
  if (address) return parseAddress(variable, address, directory)
  if (kind === 'system') return SYSTEM
  if (directory) return sessionSockets(directory)
  const message = 'systemd: no user session: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set'
  throw new RuntError('host', message)
}

function sessionSockets(directory: string): readonly BusSocket[] {
  return [
    { path: `${directory}/systemd/private`, connection: 'direct' },
    { path: `${directory}/bus`, connection: 'bus' },
  ]
}

/** `unix:path=/run/bus,guid=1;unix:runtime=yes`: the AF_UNIX sockets of the addresses. */
function parseAddress(variable: string, text: string, directory: string | undefined): readonly BusSocket[] {
  const sockets = text.split(';').flatMap((address): BusSocket[] => {
    if (!address.startsWith('unix:')) return []
    const entries = address
      .slice('unix:'.length)
      .split(',')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), decodePercent(pair.slice(pair.indexOf('=') + 1))] as const)
    const { path, abstract, runtime } = Object.fromEntries(entries)
    if (path !== undefined) return [{ path, connection: 'bus' }]
    if (abstract !== undefined) return [{ path: `@${abstract}`, connection: 'bus' }]
    return runtime === 'yes' && directory ? [{ path: `${directory}/bus`, connection: 'bus' }] : []
  })
  if (sockets.length > 0) return sockets
  throw new RuntError('host', `systemd: ${variable}: ${JSON.stringify(text)} names no socket (unix:path=…)`)
}

/** "%" and two hexadecimal digits encode a byte; in paths that is nearly always one character. */
function decodePercent(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** The maximum timeout of poll(2). */
const LONGEST = 2 ** 31 - 1

/** SYSTEMD_BUS_TIMEOUT (systemd's docs/ENVIRONMENT.md), seconds or a number with a unit, in milliseconds. */
export function busTimeout(text: string | undefined): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(us|ms|s|min)?$/.exec(text ?? '') ?? []
  if (number === undefined) return undefined
  const milliseconds = Number(number) * ({ us: 0.001, ms: 1, s: 1000, min: 60_000 }[unit ?? 's'] ?? 0)
  return Math.min(Math.round(milliseconds), LONGEST)
}
