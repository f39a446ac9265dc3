/** Finds the name that was probably meant, for messages about unknown ones. */

/** Shorter words begin too many others. */
const SHORT = 3

/**
 * The candidate that is `name` with a prefix, as CAP_KILL for kill; else the one with the smallest edit distance, if
 * that is small for its length; else the only one that begins with it, as network for net.
 */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  const lower = name.toLowerCase()
  const prefixed = candidates.find((candidate) => candidate.toLowerCase().endsWith(`_${lower}`))
  if (prefixed !== undefined) return prefixed
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const edits = countEdits(lower, candidate.toLowerCase())
    if (edits >= fewest || edits > mostEdits(name.length - commonPrefix(name, candidate))) continue
    fewest = edits
    best = candidate
  }
  if (best !== undefined || name.length < SHORT) return best
  const longer = candidates.filter((candidate) => candidate.startsWith(name))
  return longer.length === 1 ? longer[0] : undefined
}

const mostEdits = (length: number): number => Math.min(3, Math.floor(length / 3) + 1)

/** The length of a prefix such as `SCMP_ACT_` that both have: it does not make two names more alike. */
function commonPrefix(name: string, candidate: string): number {
  const length = candidate.lastIndexOf('_', name.lastIndexOf('_')) + 1
  return name.slice(0, length) === candidate.slice(0, length) ? length : 0
}

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
export function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
