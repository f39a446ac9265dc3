/*
 * Reads what a program of the official suite prints: TAP, but not always one document. Some programs print two, each with a plan of its
 * own, some none; the points are those of all documents, and the plans are added up.
 */

export interface Point {
  readonly name: string
  readonly isGood: boolean
  /** The reason, where the point has a SKIP or TODO directive. */
  readonly excuse?: string
}

export interface TapOutput {
  readonly points: readonly Point[]
  /** The sum of the plans; undefined where there is none. */
  readonly planned: number | undefined
}

/** The points at the left margin: what is indented, or after a `#`, is a diagnostic. */
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

/** What speaks against the runtime: the points that failed, and a program that did not get to its end. */
export function failuresOf({ points, planned }: TapOutput, status: number): string[] {
  const failures = points.filter(({ isGood, excuse }) => !isGood && excuse === undefined).map(({ name }) => name)
  if (status !== 0) failures.push('exit status')
  else if (planned !== undefined && planned !== points.length) failures.push('plan')
  return failures
}
