// The descriptor slots of one plan. A slot is either kept for the plan's whole life or temporary: temporaries are reused in
// turn (the machine closes what a slot held before), so that any number of mounts needs a bounded number of descriptors.

const TEMPORARIES = 96

export interface Slots {
  /** A slot of its own, with a name for people. */
  allocate(name: string): number
  /** A slot that is needed for the next few steps only. */
  temporary(name: string): number
  readonly names: readonly string[]
}

/** Slot 0 is the sync socket. */
export function createSlots(): Slots {
  const names = ['sync']
  const ring: number[] = []
  let turn = 0
  const allocate = (name: string): number => names.push(name) - 1
  return {
    names,
    allocate,
    temporary(name) {
      const slot = ring[turn] ?? allocate(name)
      ring[turn] = slot
      turn = (turn + 1) % TEMPORARIES
      return slot
    },
  }
}
