/*
 * The points where a command can fail: the steps of its plan and the libc calls of the runtime and of init, as the
 * test build (make FAULTS=1; addon/faults/faults.h) counts them. A fault is a value of RUNT_FAULT.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot, runtime } from '../../harness/project.ts'
import type { Skip } from '../../harness/requires.ts'
import type { Box, Result } from '../../harness/scenario.ts'

export const program = join(projectRoot, 'build/faults/runt')

/** `make test` builds it; the tests only apply to this program. */
export const needsFaults = (): Skip => {
  if (runtime.name !== 'runt') return `the faults are built into runt, not ${runtime.name}`
  return existsSync(program) ? false : 'no build/faults/runt (make FAULTS=1 build/faults/runt)'
}

/**
 * Every fault, which takes hours, instead of a selection: all of them in one run, or as 2/8 the second of eight runs
 * that together have all.
 */
const [run = 0, runs = 0] = process.env.RUNT_FAULTS?.replace('all', '1/1').split('/').map(Number) ?? []
export const everything = runs > 0
export const timeout = everything ? 10 * 3_600_000 : 300_000
if (everything) t.setTimeout(timeout)

export type List = 'runtime' | 'container' | 'call' | 'init'

export interface Point {
  readonly list: List
  readonly number: number
  /** The operation of a step, or the function of libc. */
  readonly name: string
  /** Errnos after which the plan continues. */
  readonly tolerate: readonly number[]
}

export interface Fault {
  readonly point: Point
  readonly kind: 'kill' | 'after' | 'errno'
  /** For 'errno'. */
  readonly code: string
  /** The value of RUNT_FAULT. */
  readonly text: string
}

/** Runs the command with this fault. */
export const callWith = (box: Box, fault: string, args: readonly string[]): Result =>
  box.call(args, { runtime: program, env: { RUNT_FAULT: fault }, timeout: 30_000 })

/** Runs the command without a fault, to list the points. */
export function pointsOf(box: Box, args: readonly string[], after?: () => void): readonly Point[] {
  const path = join(box.dir, 'points')
  rmSync(path, { force: true })
  const result = callWith(box, `log:${path}`, args)
  if (result.status !== 0) throw new Error(`${args.join(' ')}: status ${result.status}: ${result.stderr}`)
  // Init logs its remaining steps when it executes them.
  after?.()
  return readFileSync(path, 'utf8').trim().split('\n').map(parsePoint)
}

function parsePoint(line: string): Point {
  const [list = '', number, name = '', tolerate = ''] = line.split(' ')
  const isStep = list === 'runtime' || list === 'container'
  return {
    list: list as List,
    number: Number(number),
    name: name === 'syscall' ? `${name} ${tolerate}` : name,
    tolerate: isStep ? tolerate.split(',').map(Number).filter(Boolean) : [],
  }
}

/** One fault in `share`, evenly distributed; or the named ones. */
export type Choice = { readonly share: number } | { readonly only: (fault: Fault) => boolean }

/** Errnos that most calls can return. */
const usual = ['EPERM', 'EACCES', 'ENOSPC', 'ENOMEM', 'EMFILE', 'EINTR', 'EIO', 'EINVAL']
/** Errnos of some calls: the object does not exist, another process uses it, or the call should be repeated. */
const special: Readonly<Record<string, RegExp>> = {
  ENOENT: /^(open|openat2?|syscall 437|l?stat|execve|readlink|unlink|connect|write_file|open_tree|move_mount)$/,
  EAGAIN: /^(read|write|recvmsg|sendmsg|send|clone3?|fork|openat2|syscall 437|execve|setresuid|syscall 117|sync_wait)$/,
  EBUSY:
    /^(rmdir|unlink|unlinkat|write|write_file|mount|umount2|pivot_root|move_mount|syscall (155|429|431)|fsconfig)$/,
}
const plausible = (name: string): readonly string[] => [
  ...usual,
  ...Object.keys(special).filter((code) => special[code]?.test(name)),
]

/** The few for a short run. */
const few: Readonly<Record<string, readonly string[]>> = {
  close: ['EIO', 'EINTR'],
  read: ['EIO', 'EINTR'],
  write: ['ENOSPC', 'EINTR', 'EAGAIN'],
  poll: ['EINTR', 'ENOMEM'],
  open: ['EMFILE', 'EACCES'],
  openat: ['EMFILE', 'EACCES', 'ENOENT'],
  'syscall 437': ['EMFILE', 'EACCES', 'EAGAIN'],
  openat2: ['EMFILE', 'EACCES', 'EAGAIN'],
  waitid: ['EINTR'],
  recvmsg: ['EINTR', 'ENOMEM'],
  clone: ['EAGAIN'],
  clone3: ['EAGAIN', 'ENOMEM'],
  rmdir: ['EBUSY', 'EPERM'],
  unlink: ['EPERM', 'EIO'],
}

const codes: Readonly<Record<string, number>> = constants.errno

function failures(point: Point, choice: Choice): readonly Fault[] {
  const list =
    everything || 'only' in choice ? plausible(point.name) : (few[point.name] ?? ['EPERM', 'EINVAL', 'ENOMEM'])
  return list.map((code) => ({
    point,
    kind: 'errno',
    code,
    text: `errno@${point.list}:${point.number}=${codes[code]}`,
  }))
}

const ending = (point: Point, kind: 'kill' | 'after'): Fault => ({
  point,
  kind,
  code: '',
  text: `${kind}@${point.list}:${point.number}`,
})

/** Of a series of the same call, such as one prctl(2) for each capability, only the first and the last count. */
function isInside(point: Point, i: number, points: readonly Point[]): boolean {
  const same = (other: Point | undefined) => other?.list === point.list && other.name === point.name
  return same(points[i - 1]) && same(points[i + 1]) && same(points[i - 2]) && same(points[i + 2])
}

/** The faults of these points, of every kind. */
export function faultsOf(points: readonly Point[], choice: Choice): readonly Fault[] {
  const chosen = everything ? points : points.filter((point, i) => !isInside(point, i, points))
  const all = chosen.flatMap((point) => [
    ...failures(point, choice),
    ending(point, 'kill'),
    // Nothing happens between two calls: only steps have a fault after them.
    ...(point.list === 'runtime' || point.list === 'container' ? [ending(point, 'after')] : []),
  ])
  if ('only' in choice) return all.filter(choice.only)
  return all.filter((_, i) => (everything ? i % runs === run - 1 : i % choice.share === 0))
}
