/*
 * Shared by the attacks through /proc/self/fd/N: the numbers to try, the files worth reaching, and the search for a number
 * that reaches one.
 */
import { closeSync, openSync } from 'node:fs'
import { firstOf, link, type Outcome, victim } from './attack.ts'
import type { Bundle, Patch } from './bundle.ts'
import type { Box } from './scenario.ts'

/** RUNT_ATTACK_ALL=1 tries every possible number (nightly). Otherwise those that plans use, and some beyond. */
const all = process.env.RUNT_ATTACK_ALL !== undefined
const count = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)
export const numbers = all ? count(3, 1025, 1) : [...count(3, 75, 1), ...count(75, 200, 10), 400, 600, 1000]
export const coarse = all ? numbers : count(3, 75, 6)

/** Writable for root below the covered /proc/sys, /proc/irq, /proc/bus and in the caller's directories. */
export const treasures = [
  'kernel/core_pattern',
  'default_smp_affinity',
  'sysrq-trigger',
  'sys/kernel/core_pattern',
  'precious',
]
export const looking: Patch = { process: { args: ['/bin/attacker', 'open', ...treasures] } }

export const reached = (output: string): boolean => / ok ok$/m.test(output)
export const refused = /^refused: .*process\.cwd \(.*\): /

/** Numbers that have reached something, and their neighbours: all searches try them first. */
const known: number[] = []

/** With only some protections off, tries the number that reached something with all of them off. */
export function search(
  candidates: readonly number[],
  run: (box: Box, n: number) => Outcome,
  prepare: (box: Box) => void = () => {},
): (box: Box) => Outcome {
  let found: number | undefined
  return (box) => {
    prepare(box)
    return firstOf(found === undefined ? [...known, ...candidates] : [found], (n) => {
      const result = run(box, n)
      if (result !== 'succeeded') return result
      found = n
      if (known.length === 0) known.push(n, n + 1, n - 1, n + 2, n - 2)
      return result
    })
  }
}

/** One bundle for all numbers of one run of a body. */
export function once(make: (box: Box) => Bundle): { get: () => Bundle; prepare: (box: Box) => void } {
  let bundle: Bundle | undefined
  return {
    get: () => bundle as Bundle,
    prepare: (box) => {
      bundle = make(box)
    },
  }
}

/** The numbers of descriptors in the caller and in init. */
export const inherited = all ? numbers : [...count(3, 56, 8), 70, 90, 110]

/** Fifty directories of the host that the caller has left open. */
export function withInherited<T>(box: Box, body: (fds: readonly number[]) => T): T {
  const { dir } = victim(box)
  const fds = Array.from({ length: 50 }, () => openSync(dir, 'r'))
  try {
    return body(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** Links of the image, w3, w4, …, to each number. */
export function linkAll(bundle: Bundle): Bundle {
  for (const n of numbers) link(bundle, `w${n}`, `/proc/self/fd/${n}`)
  return bundle
}
