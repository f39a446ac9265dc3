// Reads the TAP stream of a test run: prints each failure with its diagnostics, each reason for skipping once, and last
// the line that .ci/run must end with. Assertions are counted; a subtest's summary line is not counted again. Exits
// non-zero if anything failed, if nothing ran, or if tap itself reported failure.
// Usage: count.mjs FILE STATUS COUNTS; COUNTS is a file that gets the three numbers.
import { readFileSync, writeFileSync } from 'node:fs'

const [file, status, counts] = process.argv.slice(2)
const count = { passed: 0, failed: 0, skipped: 0 }
const skips = new Map()
const names = [] // of the open subtests, by depth
const points = [] // seen at each depth since the level above had its last one
const failures = []
let diagnostics // lines of the failure being read
let offset = 0 // of its text

const failed = (depth, text) => {
  count.failed++
  offset = 4 * depth
  diagnostics = [`not ok: ${[...names.slice(0, depth), text].filter(Boolean).join(' > ')}`]
  failures.push(diagnostics)
}

for (const line of readFileSync(file, 'utf8').split('\n')) {
  const [, indent, rest] = /^( *)(.*)$/.exec(line)
  const depth = indent.length >> 2
  const subtest = /^# Subtest: (.*)$/.exec(rest)
  if (subtest) names[depth] = subtest[1]
  const point = /^(not ok|ok)\b[ \d-]*(.*)$/.exec(rest)
  if (!point) {
    if (diagnostics && rest === '...') diagnostics = undefined
    if (diagnostics && rest !== '' && rest !== '---') diagnostics.push(line.slice(offset))
    continue
  }
  diagnostics = undefined
  const below = points[depth + 1]
  points.length = depth + 1
  points[depth] ??= { failed: 0 }
  const directive = / ?# (?:skip|todo)\b *(.*)$/i.exec(point[2])
  if (directive) {
    count.skipped++
    const reason = directive[1] || point[2].slice(0, directive.index).trim()
    skips.set(reason, (skips.get(reason) ?? 0) + 1)
  } else if (point[1] === 'not ok') {
    // The levels above a failure fail with it; only where it happened counts.
    points[depth].failed++
    if (!below?.failed) failed(depth, point[2])
  } else if (!below) count.passed++
}

for (const [reason, times] of skips) console.log(`skipped ${times}: ${reason}`)
for (const lines of failures) console.log(lines.join('\n'))
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
writeFileSync(counts, `${count.passed} ${count.failed} ${count.skipped}\n`)
const isGood = count.failed === 0 && count.passed + count.skipped > 0 && status === '0'
process.exitCode = isGood ? 0 : 1
