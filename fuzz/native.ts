// An addon for targets that need one: every file contains the input. Any other call is an error.

import type { Native } from '../src/native.ts'

export function nativeOf(answers: Partial<Native>): Native {
  return new Proxy(answers as Native, {
    get(target, name) {
      const found = Reflect.get(target, name)
      if (found === undefined) throw new Error(`the fuzzed code calls ${String(name)}`)
      return found
    },
  })
}
