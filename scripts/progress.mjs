// Runs a command that prints a TAP stream, copies the stream to a file, and prints a line for each file of tests when it has
// ended: its assertions, its time, and an estimate of the time left. count.mjs prints the failures.
// Usage: progress.mjs FILE PLANNED COMMAND…; PLANNED has a name a line. The exit status is the command's.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [file, planned, command, ...args] = process.argv.slice(2)
const total = readFileSync(planned, 'utf8').split('\n').filter(Boolean).length
const begin = Date.now()
const output = createWriteStream(file)
let done = 0
let seen = { ok: 0, bad: 0, skipped: 0 }

const minutes = (ms) => (ms < 60_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`)

function ended(isOk, name, ms) {
  done++
  const left = ((Date.now() - begin) / done) * (total - done)
  const parts = [`${seen.ok} ok`]
  if (seen.bad > 0) parts.push(`${seen.bad} not ok`)
  if (seen.skipped > 0) parts.push(`${seen.skipped} skipped`)
  const place = String(done).padStart(String(total).length)
  const rest = done < total ? `; ${minutes(left)} left` : ''
  console.log(`${place}/${total} ${isOk ? 'ok    ' : 'not ok'} ${name}: ${parts.join(', ')}, ${minutes(ms)}${rest}`)
  seen = { ok: 0, bad: 0, skipped: 0 }
}

const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'inherit'] })
const ending = once(child, 'close')
for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
  output.write(`${line}\n`)
  const [, indent, not, text] = /^( *)(not )?ok\b(?: \d+)?(?: -)? ?(.*)$/.exec(line) ?? []
  if (indent === undefined) continue
  if (indent === '') {
    const [, name, ms = '0'] = /^(.*?)(?: # time=([\d.]+)ms)?(?: \{)?$/.exec(text) ?? []
    ended(not === undefined, name.replace(/^build\/(sanitize\/)?test\//, ''), Number(ms))
  } else if (!/ # time=/.test(text)) {
    // A line with a time sums up a subtest.
    if (/ # skip\b/i.test(text)) seen.skipped++
    else if (not === undefined) seen.ok++
    else seen.bad++
  }
}
await new Promise((finished) => output.end(finished))
const [status] = await ending
process.exitCode = status ?? 1
