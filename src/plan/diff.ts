// Compares two plans as they are printed (`runt plan diff`), property by property: what only one of them does.

import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { printStep, propertyText, type View } from './print.ts'

export interface Side {
  readonly plan: LaunchPlan
  readonly view: View
  /** The bundle's directory: it differs, but is no difference. */
  readonly bundle: string
}

/** Above this many pairs of lines a property's lines are listed as removed and added. */
const MAX_PAIRS = 4_000_000

/** Empty if both do the same. */
export function diffPlans(before: Side, after: Side): string {
  const parts = (['runtimeSteps', 'containerSteps'] as const).flatMap((list) => {
    const lines = diffLists(linesOf(before, before.plan[list]), linesOf(after, after.plan[list]))
    return lines.length === 0 ? [] : [[list === 'runtimeSteps' ? 'runtime' : 'container', ...lines].join('\n')]
  })
  return parts.map((part) => `${part}\n`).join('\n')
}

type Lines = ReadonlyMap<string, readonly string[]>

/** A property's lines, which may be in several places of the list. */
function linesOf({ plan, view, bundle }: Side, steps: readonly Step[]): Lines {
  const found = new Map<string, string[]>()
  const plain = (text: string): string => text.replaceAll(bundle, 'BUNDLE')
  for (const step of steps) {
    const name = plain(propertyText(step, view))
    const lines = found.get(name) ?? []
    lines.push(plain(printStep(step, plan.slots, view)))
    found.set(name, lines)
  }
  return found
}

function diffLists(before: Lines, after: Lines): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].flatMap((name) => {
    const changes = diffLines(before.get(name) ?? [], after.get(name) ?? [])
    return changes.length === 0 ? [] : [`  ${name}`, ...changes.map((line) => `    ${line}`)]
  })
}

/** `- line` and `+ line`: without what both begin and end with, by the longest common subsequence. */
function diffLines(before: readonly string[], after: readonly string[]): readonly string[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const shorter = Math.min(before.length, after.length) - start
  while (end < shorter && before.at(-1 - end) === after.at(-1 - end)) end++
  return diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end))
}

function diffMiddle(before: readonly string[], after: readonly string[]): readonly string[] {
  const removed = before.map((line) => `- ${line}`)
  const added = after.map((line) => `+ ${line}`)
  if (before.length * after.length > MAX_PAIRS) return [...removed, ...added]
  const common = commonLengths(before, after)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) [i, j] = [i + 1, j + 1]
    else if (at(common, i + 1, j) >= at(common, i, j + 1)) lines.push(removed[i++] as string)
    else lines.push(added[j++] as string)
  }
  return [...lines, ...removed.slice(i), ...added.slice(j)]
}

const at = (table: readonly Uint32Array[], i: number, j: number): number => table[i]?.[j] ?? 0

/** For each pair of places, the length of the longest common subsequence of what follows. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint32Array[] {
  const table = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1))
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      (table[i] as Uint32Array)[j] =
        before[i] === after[j] ? at(table, i + 1, j + 1) + 1 : Math.max(at(table, i + 1, j), at(table, i, j + 1))
  return table
}
