// The descriptor slots of a plan. A slot is either allocated for the whole plan or temporary. Temporary slots belong to
// a section of the plan (one mount or one path) and are closed at its end: names that a later section resolves must not
// reach them (CVE-2024-21626), and so any number of mounts needs a bounded number of descriptors.

import { isWeakened } from '../weaken.ts'
import type { Step } from './launch-plan.ts'

/** The temporary slots, named by what they hold. They come first, after the sync socket. */
const temporaries = ['target', 'covered', 'fs', 'mount', 'bind', 'copy', 'mask', 'device', 'source'] as const
export type Temporary = (typeof temporaries)[number]

/** Slots 1 to this number are temporary. */
export const TEMPORARIES: number = temporaries.length

const slotOf = Object.fromEntries(temporaries.map((name, index) => [name, index + 1])) as Record<Temporary, number>

export interface Slots {
  /** Allocates a slot; the name is for printing. */
  allocate(name: string): number
  readonly names: readonly string[]
}

/** Returns the slot of a temporary. */
export const temporary = (name: Temporary): number => slotOf[name]

/** Slot 0 is the sync socket. */
export function createSlots(): Slots {
  const names: string[] = ['sync', ...temporaries]
  return { names, allocate: (name) => names.push(name) - 1 }
}

/** The step that ends a section: closes all temporaries. */
export const endSection = (from: string): Step => ({
  op: 'close_temporaries',
  from,
  count: RUNT_WEAKEN && isWeakened('descriptors') ? 0 : TEMPORARIES,
})
