/**
 * The error class. Every failure is thrown once, as a RuntError, and printed once, in main.ts. The message has the form
 * `<config path or object>: <action>: <ERRNO> (<text>)[; hint]`; main.ts adds the prefix `runt <command> <id>:`. Exit
 * status and log format are decided elsewhere.
 */

/** One fault of a document: its path, in the notation of the OCI documents (`mounts[3].options[1]`), and the reason. */
export interface Problem {
  /** Empty for the document as a whole. */
  readonly path: string
  readonly message: string
  /** What was probably meant. */
  readonly suggestion?: string
  /** The problem is the key, not the value. */
  readonly ofKey?: true
  /** Of a fault of the text: a document that cannot be parsed has no paths. */
  readonly position?: { readonly line: number; readonly column: number }
}

/**
 * Who has to act: the caller of the command line (`usage`), the author of the bundle (`config`), the user of the
 * container (`state`), the administrator of the host (`host`); or the kernel refused (`kernel`), or there is a bug in
 * runt (`internal`).
 */
export type ErrorCode = 'usage' | 'config' | 'state' | 'host' | 'kernel' | 'internal'

/** What a RuntError may have besides code and message. */
export interface ErrorDetails {
  /** The config property or object at fault. */
  readonly path?: string
  /** Every fault of a document, for errors that list them all at once. */
  readonly problems?: readonly Problem[]
  /** The cgroups to be created belong to others: they must not be removed. */
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

/** In one line, because an error is one line: `2 problems: path: message; path: message`. */
export function formatProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '' : `${problems.length} problems: `
  return count + problems.map(formatProblem).join('; ')
}

/** `path: message`, or the message alone when it concerns the whole document. */
export function formatProblem({ path, message, suggestion }: Problem): string {
  const text = path === '' ? message : `${path}: ${message}`
  return suggestion === undefined ? text : `${text}; did you mean ${suggestion}?`
}

/** An error about one property or object: its message begins with the path. */
export function errorAt(code: ErrorCode, path: string, message: string, details: ErrorDetails = {}): RuntError {
  return new RuntError(code, formatProblem({ path, message }), { ...details, path })
}

/** The result; undefined if it throws: something has ended, is missing, or may not be inspected. */
export function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
