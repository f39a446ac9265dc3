/** Finds the name that was probably meant, for messages about unknown ones. */

/** The candidate with the smallest edit distance from `name`, if that is small for its length. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  const allowed = Math.min(3, Math.floor(name.length / 3) + 1)
  let best: string | undefined
  let fewest = allowed + 1
  for (const candidate of candidates) {
    const edits = countEdits(name.toLowerCase(), candidate.toLowerCase())
    if (edits >= fewest) continue
    fewest = edits
    best = candidate
  }
  return best
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
