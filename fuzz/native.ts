// A machine for targets that ask one: every file has the text of the input. Whatever else is asked is a fault.

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
