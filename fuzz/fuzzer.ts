// Runs a target over its corpus and over mutations of it, for a number of executions or for some time.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mutateBytes, mutateJson, pick, randomOf } from './mutate.ts'
import type { Target } from './target.ts'

/** An input that takes longer is a hang: milliseconds of CPU time, so that a busy machine does not count as one. */
const SLOW = 1000

export interface Crash {
  readonly input: Uint8Array
  readonly reason: string
}

export interface Outcome {
  readonly executions: number
  readonly seconds: number
  readonly crash: Crash | undefined
}

/** Whichever comes first. */
export interface Until {
  readonly executions: number
  readonly seconds: number
}

function corpusOf({ name, seeds = [] }: Target): Uint8Array[] {
  const directory = join('fuzz/corpus', name)
  const files = existsSync(directory) ? readdirSync(directory).sort() : []
  return [...seeds, ...files.map((file) => readFileSync(join(directory, file)))]
}

/** Runs the target once: milliseconds of CPU time. */
function timed(run: Target['run'], input: Uint8Array): number {
  const start = process.cpuUsage()
  run(input)
  return process.cpuUsage(start).user / 1000
}

function attempt({ run, slow = SLOW }: Target, input: Uint8Array): Crash | undefined {
  try {
    // Other work on the machine makes CPU time longer, too: what is slow is slow each time.
    let took = timed(run, input)
    for (let again = 0; took > slow && again < 3; again++) took = Math.min(took, timed(run, input))
    return took > slow ? { input, reason: `took ${Math.round(took)} ms` } : undefined
  } catch (error) {
    return { input, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

export function fuzz(target: Target, seed: number, until: Until): Outcome {
  const random = randomOf(seed)
  const corpus = corpusOf(target)
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000
  const mutate = target.form === 'json' ? mutateJson : mutateBytes
  let executions = 0
  const execute = (input: Uint8Array): Crash | undefined => {
    executions++
    return attempt(target, input)
  }
  for (const input of corpus) {
    const crash = execute(input)
    if (crash !== undefined) return { executions, seconds: seconds(), crash }
  }
  if (corpus.length === 0) corpus.push(new Uint8Array())
  while (executions < until.executions && seconds() < until.seconds) {
    const crash = execute(mutate(random, pick(random, corpus), pick(random, corpus), target.words))
    if (crash !== undefined) return { executions, seconds: seconds(), crash }
  }
  return { executions, seconds: seconds(), crash: undefined }
}

/** The file with the input of a crash. */
export function saveCrash(name: string, { input }: Crash): string {
  const directory = join(process.env.RUNT_BUILD ?? 'build', 'fuzz')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `crash-${name}-${Date.now().toString(36)}`)
  writeFileSync(path, input)
  return path
}
