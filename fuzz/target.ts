// What a fuzz target is, and what targets share: a target throws for a fault, and only for a fault.

import { isDeepStrictEqual } from 'node:util'
import { RuntError } from '../src/errors.ts'

export interface Target {
  readonly name: string
  /** What mutations put in. */
  readonly words: readonly string[]
  /** JSON documents are changed as such, too. */
  readonly form: 'bytes' | 'json'
  /** Inputs beside the files of the corpus. */
  readonly seeds?: readonly Uint8Array[]
  /** Milliseconds of CPU time after which an input counts as a hang; 1000 if absent. */
  readonly slow?: number
  /** Why it cannot run here. */
  readonly missing?: string | undefined
  readonly run: (input: Uint8Array) => void
}

export const textOf = (input: Uint8Array): string => Buffer.from(input).toString('utf8')

/** The result, or undefined where the input is refused as is declared: by this class of errors, and never by a lack of stack. */
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
