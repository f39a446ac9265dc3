/*
 * A fake systemd for tests on machines without one, and for failures: a D-Bus server on a socket of its own that creates
 * cgroups for scopes as systemd does on v1 and hybrid hosts, or fails in a chosen way. Supports the few calls that a
 * container runtime makes, and records them.
 */
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { decodeMessage, type Message } from '../../src/systemd/dbus.ts'
import type { DbusValue, Variant } from '../../src/systemd/dbus-values.ts'
import { failure, removed, reply } from '../../src/systemd/test-messages.ts'
import { cgroupMounts, token } from './census.ts'
import type { Box } from './scenario.ts'

/**
 * `is silent`: accepts the connection and sends nothing. `is none`: is not a D-Bus server. `refuses`, `fails`, `hangs up`,
 * `never ends`: StartTransientUnit returns an error, the job fails, the connection closes, the job never ends. `falls silent`:
 * once a unit runs.
 */
export type Manner =
  | 'works'
  | 'is silent'
  | 'is none'
  | 'refuses'
  | 'fails'
  | 'hangs up'
  | 'never ends'
  | 'falls silent'

export interface FakeSystemd {
  /** DBUS_SYSTEM_BUS_ADDRESS and SYSTEMD_BUS_TIMEOUT. */
  readonly env: Readonly<Record<string, string>>
  /** Calls, in order: the name and the values. */
  readonly calls: readonly (readonly [string, readonly DbusValue[]])[]
  /** The properties of a unit by name, as last set. */
  readonly unit: (name: string) => ReadonlyMap<string, DbusValue>
}

/** Properties by unit. */
type Units = Map<string, Map<string, DbusValue>>
type Pairs = readonly (readonly [string, Variant])[]

const JOB = '/org/freedesktop/systemd1/job/7'
const managed = /^(cpu|cpuacct|blkio|memory|devices|pids|name=systemd|)$/

/** Timeouts for modes that must respond, so that a busy machine does not make them look silent. */
const patience: Readonly<Partial<Record<Manner, string>>> = { works: '20s', 'falls silent': '3s' }

/** Listens until the end of the test. */
export async function fakeSystemd(box: Box, manner: Manner = 'works'): Promise<FakeSystemd> {
  const path = join(box.dir, 'bus')
  const calls: [string, readonly DbusValue[]][] = []
  const units: Units = new Map()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    serve(socket, manner, calls, units)
  })
  await new Promise<void>((done) => server.listen(path, done))
  box.defer(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
    for (const [name, properties] of units) for (const dir of scopeDirectories(name, properties)) remove(dir)
    // In hierarchies that systemd does not manage the runtime creates the slice, and leaves it, like any parent.
    for (const { dir } of cgroupMounts()) remove(join(dir, `${token}.slice`))
  })
  return {
    env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}`, SYSTEMD_BUS_TIMEOUT: patience[manner] ?? '300ms' },
    calls,
    unit: (name) => units.get(name) ?? new Map(),
  }
}

function serve(socket: Socket, manner: Manner, calls: [string, readonly DbusValue[]][], units: Units): void {
  let received: Uint8Array = new Uint8Array()
  socket.on('error', () => undefined)
  socket.on('data', (piece: Uint8Array) => {
    if (manner === 'is none') socket.write('HTTP/1.1 400 Bad Request\r\n\r\nOK\r\nno D-Bus message at all')
    if (manner === 'is none' || manner === 'is silent') return
    received = authenticated(socket, Uint8Array.from([...received, ...piece]))
    for (let found = nextCall(received); found !== undefined; found = nextCall(received)) {
      const serial = new DataView(received.buffer, received.byteOffset).getUint32(8, true)
      received = received.subarray(found.length)
      calls.push([found.message.member ?? '', found.message.body])
      if (manner === 'hangs up' && found.message.member === 'StartTransientUnit') socket.destroy()
      else for (const bytes of answers(manner, serial, found.message, units)) socket.write(bytes)
    }
  })
}

const LAST_WORD = 'BEGIN\r\n'
const isGreeting = (bytes: Uint8Array): boolean => bytes[0] === 0

/** The bytes after the authentication, which begins with a zero byte, once it is complete. */
function authenticated(socket: Socket, bytes: Uint8Array): Uint8Array {
  const end = isGreeting(bytes) ? Buffer.from(bytes).indexOf(LAST_WORD) : -1
  if (end < 0) return bytes
  socket.write('DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n')
  return bytes.subarray(end + LAST_WORD.length)
}

const nextCall = (bytes: Uint8Array) => (isGreeting(bytes) ? undefined : decodeMessage(bytes))

const jobEnds = (serial: number, result: string): Uint8Array[] => [removed(JOB, result), reply(serial, 'o', [JOB])]

/** Handles a call of systemd and returns its messages. */
function answers(manner: Manner, serial: number, { member, body }: Message, units: Units): Uint8Array[] {
  const [name = '', , given] = body as [string, unknown, Pairs]
  if (member === 'Get') {
    const value = (body[1] as string) === 'Version' ? '252.39-1' : ''
    return [reply(serial, 'v', [{ signature: 's', value }])]
  }
  if (member === 'StartTransientUnit') {
    if (manner === 'refuses') return [failure(serial, 'org.example.Denied', 'Not today.')]
    if (manner === 'never ends') return [reply(serial, 'o', [JOB])]
    if (manner === 'fails') return jobEnds(serial, 'failed')
    start(name, given, units)
    return jobEnds(serial, 'done')
  }
  if (manner === 'falls silent' && (member === 'StopUnit' || member === 'SetUnitProperties')) return []
  if (member === 'StopUnit') {
    const properties = units.get(name)
    if (properties === undefined) return [failure(serial, 'org.freedesktop.systemd1.NoSuchUnit', 'No.')]
    for (const dir of scopeDirectories(name, properties)) remove(dir)
    units.delete(name)
    return jobEnds(serial, 'done')
  }
  if (member === 'SetUnitProperties') for (const [key, { value }] of given) units.get(name)?.set(key, value)
  return [reply(serial, '', [])]
}

function start(name: string, given: Pairs, units: Units): void {
  const properties = new Map(given.map(([key, { value }]) => [key, value]))
  units.set(name, properties)
  const [pid] = properties.get('PIDs') as readonly number[]
  for (const dir of scopeDirectories(name, properties)) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'cgroup.procs'), String(pid))
  }
}

/** The scope's cgroups in the hierarchies that systemd manages; slices are not nested here. */
function scopeDirectories(name: string, properties: ReadonlyMap<string, DbusValue>): string[] {
  return cgroupMounts()
    .filter(({ controllers }) => controllers.split(',').some((controller) => managed.test(controller)))
    .map(({ dir }) => join(dir, String(properties.get('Slice')), name))
}

/** Removes a cgroup, cgroups of the container below it, and its slice if that is empty. */
function remove(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(dir, entry.name))
    rmdirSync(dir)
  } catch {
    // already removed
  }
  try {
    if (dirname(dir).endsWith('.slice')) rmdirSync(dirname(dir))
  } catch {
    // in use
  }
}
