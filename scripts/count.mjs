// Counts the assertions of a TAP stream and prints the line that .ci/run must end with. Subtests are counted by their
// assertions, not again as a whole; a skipped or todo point counts as skipped. Exits non-zero if anything failed, if
// nothing ran, or if tap itself did.
// Usage: count.mjs FILE STATUS
import { readFileSync } from 'node:fs'

const [file, status] = process.argv.slice(2)
const totals = { passed: 0, failed: 0, skipped: 0 }
// A point is the summary of a subtest if points one level deeper came before it; those have been counted already.
const inside = []

for (const line of readFileSync(file, 'utf8').split('\n')) {
  const point = /^( *)(not )?ok\b(.*)$/.exec(line)
  if (!point) continue
  const depth = point[1].length / 4
  const isSummary = (inside[depth + 1] ?? 0) > 0
  const failedInside = inside[depth + 1] === Number.POSITIVE_INFINITY
  inside.length = depth + 1
  const failed = point[2] !== undefined
  const skipped = /# (skip|todo)/i.test(point[3])
  if (skipped) totals.skipped++
  else if (failed && !failedInside) totals.failed++
  else if (!failed && !isSummary) totals.passed++
  // A failure marks all levels above, so that it is counted once, where it happened.
  inside[depth] = failed && !skipped ? Number.POSITIVE_INFINITY : (inside[depth] ?? 0) + 1
}

console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
const ran = totals.passed + totals.failed > 0
process.exitCode = totals.failed > 0 || !ran || Number(status) !== 0 ? 1 : 0
