// The descriptor slots of one plan. A slot is either kept for the plan's whole life or temporary. Temporaries belong to a section, one
// mount or one path, and are closed at its end: what a later section resolves must not find them (CVE-2024-21626), and any number
// of mounts needs a bounded number of descriptors.

import { RuntError } from '../errors.ts'
import { isWeakened } from '../weaken.ts'
import type { Step } from './launch-plan.ts'

export interface Slots {
  /** A slot of its own, with a name for people. */
  allocate(name: string): number
  /** A slot for the steps of the section that is being planned; `kind` says what it holds. */
  temporary(kind: string): number
  /** Begins a section. Returns the function that ends it and gives the step that closes its temporaries, if it has any. */
  section(from: string): () => Step[]
  readonly names: readonly string[]
}

/** Slot 0 is the sync socket. */
export function createSlots(): Slots {
  const names = ['sync']
  const free: Record<string, number[]> = {}
  let open: number[] | undefined
  const allocate = (name: string): number => names.push(name) - 1
  return {
    names,
    allocate,
    temporary(kind) {
      if (open === undefined) throw new RuntError('internal', `slot "${kind}" outside of a section`)
      const slot = free[kind]?.pop() ?? allocate(kind)
      open.push(slot)
      return slot
    },
    section(from) {
      const outer = open
      const slots: number[] = []
      open = slots
      return () => {
        open = outer
        if (slots.length === 0 || (RUNT_WEAKEN && isWeakened('descriptors'))) return []
        for (const slot of slots) {
          const kind = names[slot] as string
          free[kind] ??= []
          free[kind].push(slot)
        }
        return [{ op: 'close', from, slots }]
      }
    },
  }
}
