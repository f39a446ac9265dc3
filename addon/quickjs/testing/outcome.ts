// The outcome of a call to the addon, for arguments.ts and broken-plans.ts.

export type Addon = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>

/** A line of the output; `isRight` if the outcome is the expected one. */
export interface Outcome {
  readonly name: string
  readonly result: string
  readonly isRight: boolean
}

export const fail = (): never => {
  throw new Error('from a getter')
}

/** Describes the outcome of the call. */
export function outcomeOf(call: () => unknown): string {
  try {
    return `gave ${typeof call()}`
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : `threw ${typeof error}`
  }
}

export const expect = (name: string, expected: string, call: () => unknown): Outcome => {
  const result = outcomeOf(call)
  return { name, result, isRight: result === expected }
}
