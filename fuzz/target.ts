// The type of a fuzz target, and what targets share: a target throws for a bug, and only for a bug.

import { isDeepStrictEqual } from 'node:util'
import { RuntError } from '../src/errors.ts'

export interface Target {
  readonly name: string
  /** Words that mutations insert. */
  readonly words: readonly string[]
  /** Whether inputs are also mutated as JSON documents. */
  readonly form: 'bytes' | 'json'
  /** Inputs in addition to the files of the corpus. */
  readonly seeds?: readonly Uint8Array[]
  /** Milliseconds of CPU time after which an input counts as a hang; 1000 if absent. */
  readonly slow?: number
  /** Why it cannot run here. */
  readonly missing?: string | undefined
  readonly run: (input: Uint8Array) => void
}

export const textOf = (input: Uint8Array): string => Buffer.from(input).toString('utf8')

/**
 * The result, or undefined if the input is refused as declared: by this class of errors, and never by a stack overflow.
 */
export function orRefused<T>(declared: abstract new (...args: never[]) => Error, make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    const isInternal = error instanceof RuntError && (error.code === 'internal' || error.message === '')
    if (error instanceof declared && !isInternal && !/call stack|of undefined|\[object O/.test(error.message))
      return undefined
    throw error
  }
}

/** The one error class. */
export const orRuntError = <T>(make: () => T): T | undefined => orRefused(RuntError, make)

export function same(what: string, actual: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(actual, wanted)) throw new Error(`${what}: ${show(actual)} is not ${show(wanted)}`)
}

export function holds(what: string, condition: boolean): void {
  if (!condition) throw new Error(what)
}

const show = (value: unknown): string =>
  (JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item)) ?? 'undefined').slice(0, 200)
