// Parses durations like Go's time.ParseDuration, for flags that engines write: `5s`, `100ms`, `1m30s`, `1.5h`.

const MILLISECONDS: { readonly [unit: string]: number } = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds; undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const negative = text.startsWith('-')
  let rest = negative || text.startsWith('+') ? text.slice(1) : text
  if (rest === '') return undefined
  let sum = 0
  while (rest !== '') {
    const part = /^(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/.exec(rest)
    if (part === null) return undefined
    sum += Number(part[1]) * (MILLISECONDS[part[2] as string] as number)
    rest = rest.slice(part[0].length)
  }
  return negative ? -sum : sum
}
