// Reads the TAP stream of a test run: prints each failure with its diagnostics, each reason for skipping once, and last
// the line with which .ci/run must end. Assertions are counted; a subtest's summary line is not counted again. Exits
// non-zero if anything failed, if nothing ran, or if tap itself reported failure. These are failures too: a TODO, a
// file without an assertion, a planned file that is missing in the stream, and a skip that the list does not allow.
// Usage: count.mjs FILE STATUS COUNTS SUITE PLANNED [ALLOWED]; COUNTS is a file that gets the three numbers, PLANNED a
// file with the name of one subtest a line. ALLOWED (allowed-skips.txt) says which skips SUITE may have, and how many.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const list = fileURLToPath(new URL('allowed-skips.txt', import.meta.url))
const [file, status, counts, suite, planned, allowed = list] = process.argv.slice(2)
const count = { passed: 0, failed: 0, skipped: 0 }
const skips = new Map()
const names = [] // of the open subtests, by depth
const open = [] // by depth: a subtest has begun, and its summary has not been read yet
const points = [] // read at each depth since the last one of the level above
const ran = new Set() // the subtests of the top level
const failures = []
let diagnostics // lines of the current failure
let offset = 0 // of its text

const failed = (depth, text) => {
  count.failed++
  offset = 4 * depth
  diagnostics = [`not ok: ${[...names.slice(0, depth), text].filter(Boolean).join(' › ')}`]
  failures.push(diagnostics)
}

const skipped = (depth, text, directive) => {
  if (/^no tests found\b/i.test(directive[2])) return failed(depth, `${text}: no test ran`)
  count.skipped++
  const reason = directive[2] || text
  skips.set(reason, (skips.get(reason) ?? 0) + 1)
}

const begin = (depth, name) => {
  names[depth] = name
  open[depth] = true
  points.length = Math.min(points.length, depth + 1)
  if (depth === 0) ran.add(name)
}

const pointAt = (depth, isOk, text) => {
  const below = points[depth + 1]
  const isSubtest = open[depth]
  points.length = depth + 1
  points[depth] ??= { failed: 0 }
  open.length = depth
  const directive = / ?(?<!\\)# (skip|todo)\b *(.*)$/i.exec(text)
  const title = directive ? text.slice(0, directive.index).trim() : text
  const fails = (what) => {
    points[depth].failed++
    failed(depth, what)
  }
  if (directive?.[1].toLowerCase() === 'todo') fails(`${title}: TODO ${directive[2]}`)
  else if (directive) skipped(depth, title, directive)
  else if (!isOk) {
    // The levels above a failure fail with it; only the innermost one counts.
    points[depth].failed++
    if (!below?.failed) failed(depth, title)
  } else if (isSubtest && !below && depth === 0) fails(`${title}: no assertion`)
  else if (!below) count.passed++
}

for (const line of readFileSync(file, 'utf8').split('\n')) {
  const [, indent, rest] = /^( *)(.*)$/.exec(line)
  const depth = indent.length >> 2
  const subtest = /^# Subtest: (.*)$/.exec(rest)
  const point = /^(not ok|ok)\b[ \d-]*(.*)$/.exec(rest)
  if (subtest) begin(depth, subtest[1])
  if (point) {
    diagnostics = undefined
    pointAt(depth, point[1] === 'ok', point[2])
  } else {
    if (diagnostics && rest === '...') diagnostics = undefined
    if (diagnostics && rest !== '' && rest !== '---') diagnostics.push(line.slice(offset))
  }
}

for (const name of readFileSync(planned, 'utf8').split('\n'))
  if (name !== '' && !ran.has(name)) failed(0, `${name}: planned, but it did not run`)

// Lines of the list: SUITE MAXIMUM PATTERN # why. The pattern must match the whole reason.
const entries = []
for (const line of readFileSync(allowed, 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue
  const [, of, maximum, pattern] = /^(\S+) +(\d+) +(.+?) +# .+$/.exec(line) ?? []
  if (pattern === undefined) failed(0, `${allowed}: not "SUITE MAXIMUM PATTERN # why": ${line}`)
  else if (of === suite || (suite === 'sanitize' && of === 'test'))
    entries.push({ left: Number(maximum), pattern: new RegExp(`^(?:${pattern})$`) })
}
for (const [reason, times] of skips) {
  console.log(`skipped ${times}: ${reason}`)
  const entry = entries.find(({ pattern }) => pattern.test(reason))
  if (entry !== undefined) entry.left -= times
  if (entry === undefined) failed(0, `skipped ${times}, which ${suite} must not: ${reason}`)
  else if (entry.left < 0) failed(0, `skipped ${-entry.left} more than ${suite} may: ${reason}`)
}

for (const lines of failures) console.log(lines.join('\n'))
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
writeFileSync(counts, `${count.passed} ${count.failed} ${count.skipped}\n`)
const isGood = count.failed === 0 && count.passed + count.skipped > 0 && status === '0'
process.exitCode = isGood ? 0 : 1
