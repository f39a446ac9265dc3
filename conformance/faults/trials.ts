/*
 * One command, struck by one fault after the other. Whatever the fault, the command ends; what it says is an error with a
 * name, or it has done its work; and afterwards `delete --force` exits with 0 and nothing is left.
 */
import { constants } from 'node:os'
import type { Test } from 'tap'
import { takeCensus } from '../harness/census.ts'
import { type Box, leftSince, type Result, sweepAll } from '../harness/scenario.ts'
import { type Choice, callWith, type Fault, faultsOf, type List, pointsOf } from './points.ts'

const BATCH = 16
const KILLED = 137

export interface Subject {
  readonly name: string
  /** The lists that are struck. */
  readonly lists: readonly List[]
  readonly faults: Choice
  /** What has to be there before the command. */
  readonly prepare?: (id: string) => void
  readonly command: (id: string) => readonly string[]
  /** What follows the command if it has succeeded, before it is looked at. */
  readonly follow?: ((id: string) => Result) | undefined
  /** The command has succeeded: what is wrong with what it has done, undefined if nothing. */
  readonly check: (id: string, result: Result, fault: Fault) => string | undefined | Promise<string | undefined>
  /** 'itself': when it fails by an error, the command has to leave nothing without `delete --force`. */
  readonly cleans: 'itself' | 'by delete'
  /** The container of all trials, which are not to change it; `prepare` makes it where it is not there. */
  readonly shared?: string
}

/** Strikes the subject with each fault; fails with the faults that break the promise. */
export async function strike(t: Test, box: Box, subject: Subject): Promise<void> {
  const first = idFor(box, subject)
  const points = pointsOf(box, subject.command(first), () => subject.follow?.(first))
  if (subject.shared === undefined) box.call(['delete', '--force', first])
  const faults = faultsOf(
    points.filter(({ list }) => subject.lists.includes(list)),
    subject.faults,
  )
  const problems: string[] = []
  for (let at = 0; at < faults.length; at += BATCH) {
    problems.push(...(await tryBatch(box, subject, faults.slice(at, at + BATCH))))
  }
  t.comment(`${subject.name}: ${points.length} points, ${faults.length} faults`)
  t.same(problems, [], `${subject.name}: ${faults.length} faults`)
}

/** The container of a trial, with what the command needs of it. */
function idFor(box: Box, { shared, prepare }: Subject): string {
  const id = shared ?? box.id()
  if (shared === undefined || box.state(shared) === undefined) prepare?.(id)
  return id
}

/** What is left of a trial, before the census. */
interface Outcome {
  readonly id: string
  readonly problems: readonly string[]
  /** What it has said, where it has failed by an error and was to leave nothing. */
  readonly said: string
}

/** The census takes longer than a trial: one for several, and only when something is left, one for each. */
async function tryBatch(box: Box, subject: Subject, faults: readonly Fault[]): Promise<readonly string[]> {
  if (subject.shared !== undefined) idFor(box, subject)
  const before = takeCensus(box.root)
  const outcomes: Outcome[] = []
  for (const fault of faults) outcomes.push(await tryFault(box, subject, fault))
  const problems = outcomes.flatMap((outcome) => outcome.problems)
  // What has told of what it could not remove has told who will.
  for (const { id, said } of outcomes) if (said.includes(`delete --force ${id}`)) box.call(['delete', '--force', id])
  const found = await leftSince(box, before)
  if (found === undefined) return problems
  await sweepAll(box)
  if (faults.length === 1) return [...problems, `${faults.map(nameOf)}: left ${JSON.stringify(found)}`]
  const single: string[] = []
  for (const fault of faults) single.push(...(await tryBatch(box, subject, [fault])))
  return [...problems, ...single]
}

async function tryFault(box: Box, subject: Subject, fault: Fault): Promise<Outcome> {
  const id = subject.shared ?? idFor(box, subject)
  const begin = performance.now()
  const struck = callWith(box, fault.text, subject.command(id))
  const result = struck.status === 0 && subject.follow !== undefined ? subject.follow(id) : struck
  const problems = [...problemsOf(result, fault, performance.now() - begin)]
  if (result.status === 0 && !isLie(fault) && !endsInit(fault)) {
    const problem = await checked(() => subject.check(id, struck, fault))
    if (problem !== undefined) problems.push(`exits with 0, but ${problem}`)
  }
  const cleans = subject.cleans === 'itself' && struck.status !== 0 && fault.kind === 'errno'
  if (!cleans && subject.shared === undefined) {
    const deleted = box.call(['delete', '--force', id])
    if (deleted.status !== 0) problems.push(`delete --force: ${deleted.stderr.trim()}`)
  }
  return { id, problems: problems.map((problem) => `${nameOf(fault)}: ${problem}`), said: cleans ? struck.stderr : '' }
}

/** Init has ended after it was ready: for `start` and `run --detach` the same as a program that has. */
const endsInit = ({ kind, point }: Fault): boolean =>
  kind !== 'errno' && (point.list === 'container' || point.list === 'init')

/** A check that finds nothing to look at is a problem of this trial, and not the end of all. */
async function checked(check: () => ReturnType<Subject['check']>): Promise<string | undefined> {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What the program believes and does not work is not its fault: there is nothing there, says the kernel, and there is. */
const isLie = ({ code, point }: Fault): boolean =>
  code === 'ENOENT' ||
  (point.name === 'access' && code === 'EACCES') ||
  // pidfd_open(2): the id has come to be a thread's.
  (point.name === 'syscall 434' && code === 'EINVAL')

const nameOf = ({ text, point, code }: Fault): string => `${text} (${point.name}${code === '' ? '' : ` ${code}`})`

function* problemsOf({ status, stderr }: Result, { kind, point, code }: Fault, took: number): Generator<string> {
  const isStep = point.list === 'runtime' || point.list === 'container'
  const isTolerated = point.tolerate.includes(errnoOf(code))
  if (took > 25_000) yield `takes ${Math.round(took)} ms`
  if (/faults:|internal error/.test(stderr)) yield stderr.trim()
  if (status === 0) {
    // The failure of a poststop hook is a warning (runtime.md, "Lifecycle").
    if (isStep && kind === 'errno' && !isTolerated && !stderr.includes('hook')) yield 'is not noticed'
    return
  }
  if (status >= 128 && status < 255 && kind === 'errno') yield `status ${status}: ${stderr.trim()}`
  // An init that is killed when all is ready is the container's process, killed.
  if (status === KILLED && kind !== 'errno') return
  if (!/(^|\n|msg=")runt \S+( \S+)?: \S/.test(stderr)) yield `status ${status} without a reason: ${stderr.trim()}`
  // Of programs and hooks it is said in runc's words, which engines look for.
  if (isStep && kind === 'errno' && !isTolerated && !stderr.includes(code) && !/exec|hook|stopped/.test(stderr))
    yield `does not say ${code}: ${stderr.trim()}`
}

const errnoOf = (code: string): number => {
  const numbers: Readonly<Record<string, number>> = constants.errno
  return numbers[code] ?? 0
}
