/*
 * Runs one command with one fault after the other. With any fault, the command ends; it prints an error with the
 * name of the errno, or has done its work; and afterwards `delete --force` exits with 0 and nothing is left.
 */
import { constants } from 'node:os'
import type { Test } from 'tap'
import { takeCensus } from '../../harness/census.ts'
import { type Box, leftSince, type Result, sweepAll } from '../../harness/scenario.ts'
import { type Choice, callWith, type Fault, faultsOf, type List, pointsOf } from './points.ts'

const BATCH = 16
const KILLED = 137

export interface Subject {
  readonly name: string
  /** The lists in which faults are injected. */
  readonly lists: readonly List[]
  readonly faults: Choice
  /** Prepares what the command needs. */
  readonly prepare?: (id: string) => void
  readonly command: (id: string) => readonly string[]
  /** Runs after a successful command, before the check. */
  readonly follow?: ((id: string) => Result) | undefined
  /** The command has succeeded: what is wrong with its work, undefined if nothing. */
  readonly check: (id: string, result: Result, fault: Fault) => string | undefined | Promise<string | undefined>
  /** After a failure with an error: what is wrong with what existed before the command, undefined if nothing. */
  readonly checkUnharmed?: (id: string) => Promise<string | undefined>
  /** The command may succeed although this step failed; `check` verifies the result. */
  readonly copesWith?: (fault: Fault) => boolean
  /** 'itself': if the command fails with an error, it must leave nothing behind, without `delete --force`. */
  readonly cleans: 'itself' | 'by delete'
  /** One container for all trials, which do not change it; `prepare` creates it if it does not exist. */
  readonly shared?: string
}

/** Runs the subject with each fault; fails with the list of faults that break a rule. */
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

/** The container of a trial, and what the command needs. */
function idFor(box: Box, { shared, prepare }: Subject): string {
  const id = shared ?? box.id()
  if (shared === undefined || box.state(shared) === undefined) prepare?.(id)
  return id
}

/** What a trial leaves, before the census. */
interface Outcome {
  readonly id: string
  readonly problems: readonly string[]
  /** The error message, if the command failed with an error and must leave nothing behind. */
  readonly said: string
}

/** The census takes longer than a trial: one for several trials, and one for each only if something is left. */
async function tryBatch(box: Box, subject: Subject, faults: readonly Fault[]): Promise<readonly string[]> {
  if (subject.shared !== undefined) idFor(box, subject)
  const before = takeCensus(box.root)
  const outcomes: Outcome[] = []
  for (const fault of faults) {
    outcomes.push(await tryFault(box, subject, fault))
    // A server of the test accepts between two trials: connect(2) would wait when its backlog is full.
    await new Promise((done) => setImmediate(done))
  }
  const problems = outcomes.flatMap((outcome) => outcome.problems)
  // An error may tell the user to run `delete --force`: then do so.
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
  const copes = subject.copesWith?.(fault) ?? false
  const problems = [...problemsOf(result, fault, performance.now() - begin, copes)]
  if (result.status === 0 && !isLie(fault) && !endsInit(fault)) {
    const problem = await checked(() => subject.check(id, struck, fault))
    if (problem !== undefined) problems.push(`exits with 0, but ${problem}`)
  }
  if (result.status !== 0 && fault.kind === 'errno' && subject.checkUnharmed !== undefined) {
    const problem = await checked(() => subject.checkUnharmed?.(id))
    if (problem !== undefined) problems.push(`fails, and ${problem}`)
  }
  const cleans = subject.cleans === 'itself' && struck.status !== 0 && fault.kind === 'errno'
  if (!cleans && subject.shared === undefined) {
    const deleted = box.call(['delete', '--force', id])
    if (deleted.status !== 0) problems.push(`delete --force: ${deleted.stderr.trim()}`)
  }
  return { id, problems: problems.map((problem) => `${nameOf(fault)}: ${problem}`), said: cleans ? struck.stderr : '' }
}

/** Init has ended after it was ready: for `start` and `run --detach` this is the same as a program that has ended. */
const endsInit = ({ kind, point }: Fault): boolean =>
  kind !== 'errno' && (point.list === 'container' || point.list === 'init')

/** An exception in a check is a problem of this trial, and must not end the others. */
async function checked(check: () => ReturnType<Subject['check']>): Promise<string | undefined> {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Injected errnos that are wrong answers about the system, such as ENOENT for an existing file; runt may believe them.
 */
const isLie = ({ code, point }: Fault): boolean =>
  code === 'ENOENT' ||
  (point.name === 'access' && code === 'EACCES') ||
  // statx(2) of a hierarchy's mount point: it cannot be used, and a container of an ordinary user does without.
  (point.name === 'syscall 332' && code === 'EACCES') ||
  // readlink(2): the file is not a symbolic link.
  (point.name === 'readlink' && code === 'EINVAL') ||
  // pidfd_open(2): the id now belongs to a thread.
  (point.name === 'syscall 434' && code === 'EINVAL')

const nameOf = ({ text, point, code }: Fault): string => `${text} (${point.name}${code === '' ? '' : ` ${code}`})`

function* problemsOf(
  { status, stderr }: Result,
  { kind, point, code }: Fault,
  took: number,
  copes: boolean,
): Generator<string> {
  const isStep = !copes && (point.list === 'runtime' || point.list === 'container')
  const isTolerated = point.tolerate.includes(errnoOf(code))
  if (took > 25_000) yield `takes ${Math.round(took)} ms`
  if (/faults:|internal error/.test(stderr)) yield stderr.trim()
  if (status === 0) {
    // The failure of a poststop hook is a warning (runtime.md, "Lifecycle").
    if (isStep && kind === 'errno' && !isTolerated && !stderr.includes('hook')) yield 'is not noticed'
    return
  }
  if (status >= 128 && status < 255 && kind === 'errno') yield `status ${status}: ${stderr.trim()}`
  // A kill of init after it is ready is a kill of the container's process.
  if (status === KILLED && kind !== 'errno') return
  if (!/(^|\n|msg=")runt \S+( \S+)?: \S/.test(stderr)) yield `status ${status} without a reason: ${stderr.trim()}`
  // Messages about programs and hooks have runc's wording, which engines match.
  if (isStep && kind === 'errno' && !isTolerated && !stderr.includes(code) && !/exec|hook|stopped/.test(stderr))
    yield `does not say ${code}: ${stderr.trim()}`
}

const errnoOf = (code: string): number => {
  const numbers: Readonly<Record<string, number>> = constants.errno
  return numbers[code] ?? 0
}
