/*
 * Parses the output of a program of the official suite: TAP, but not always one document. Some programs print two, each with a plan of its
 * own, some none; the points of all documents are combined, and the plans are added up.
 */

export interface Point {
  readonly name: string
  readonly isGood: boolean
  /** The reason, if the point has a SKIP or TODO directive. */
  readonly excuse?: string
}

export interface TapOutput {
  readonly points: readonly Point[]
  /** The sum of the plans; undefined without a plan. */
  readonly planned: number | undefined
}

/** Reads the points at the left margin: indented lines and lines after a `#` are diagnostics. */
export function readTap(text: string): TapOutput {
  const points: Point[] = []
  let planned: number | undefined
  for (const line of text.split('\n')) {
    const plan = /^1\.\.(\d+)/.exec(line)
    if (plan) planned = (planned ?? 0) + Number(plan[1])
    const point = /^(not ok|ok)\b *\d* *(?:- )?(.*)$/.exec(line)
    if (!point) continue
    const [, verdict, rest = ''] = point
    const [, name = rest, excuse] = /^(.*?) *# *((?:skip|todo)\b.*)$/i.exec(rest) ?? []
    points.push({ name: name.trim(), isGood: verdict === 'ok', ...(excuse !== undefined && { excuse }) })
  }
  return { points, planned }
}

/** The failures of the runtime: failed points, and a program that did not complete. */
export function failuresOf({ points, planned }: TapOutput, status: number): string[] {
  const failures = points.filter(({ isGood, excuse }) => !isGood && excuse === undefined).map(({ name }) => name)
  if (status !== 0) failures.push('exit status')
  else if (planned !== undefined && planned !== points.length) failures.push('plan')
  return failures
}
