/**
 * The one error class. Whatever goes wrong is thrown once, as a RuntError, and printed once, in main.ts.
 * The message follows the grammar `<config path or object>: <action>: <ERRNO> (<text>)[; hint]`; the prefix
 * `runt <command> <id>:` is added where it is printed. Decides neither exit status nor log format.
 */

/** One fault of a document: where, in the notation of the OCI documents (`mounts[3].options[1]`), and what. */
export interface Problem {
  /** Empty when the document as a whole is meant. */
  readonly path: string
  readonly message: string
}

/**
 * Who has to act: the caller of the command line (`usage`), the author of the bundle (`config`), whoever holds the
 * container (`state`), the administrator of the machine (`host`), the kernel refused (`kernel`), or we did (`internal`).
 */
export type ErrorCode = 'usage' | 'config' | 'state' | 'host' | 'kernel' | 'internal'

/** What a RuntError may carry besides code and message. */
export interface ErrorDetails {
  /** The config property or object that is at fault. */
  readonly path?: string
  /** Every fault of a document, for errors that list them all at once. */
  readonly problems?: readonly Problem[]
  /** The cgroups that were to be made are somebody else's: they must not be taken away. */
  readonly foreignCgroups?: boolean
  readonly cause?: unknown
}

export class RuntError extends Error {
  readonly code: ErrorCode
  readonly path: string | undefined
  readonly problems: readonly Problem[] | undefined
  readonly foreignCgroups: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'RuntError'
    this.code = code
    this.path = details.path
    this.problems = details.problems
    this.foreignCgroups = details.foreignCgroups === true
  }
}

/** All in one line, for an error is one: `2 problems: path: message; path: message`. */
export function formatProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '' : `${problems.length} problems: `
  return count + problems.map(formatProblem).join('; ')
}

/** `path: message`, or the message alone when it concerns the whole document. */
export function formatProblem(problem: Problem): string {
  return problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`
}

/** An error about one property or object: its message begins with the path. */
export function errorAt(code: ErrorCode, path: string, message: string, details: ErrorDetails = {}): RuntError {
  return new RuntError(code, formatProblem({ path, message }), { ...details, path })
}
