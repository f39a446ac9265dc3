/*
 * The differential test: random profiles through this compiler, through libseccomp and through the literal reading, every
 * filter run on the same system calls. Where the profile is clear the filter must do what it says; everywhere it must do
 * what libseccomp does, unless libseccomp contradicts the clear profile or its own pseudo code.
 */
import fc from 'fast-check'
import { actionValue } from '../src/actions.ts'
import { ARCHITECTURES, type ArchitectureName } from '../src/architectures.ts'
import { compileSeccomp } from '../src/compile.ts'
import { decodeFilter } from '../src/program.ts'
import type { Seccomp } from '../src/seccomp.ts'
import { simulate } from '../src/simulate.ts'
import { type Exported, exportAll, exportPseudoCode, libseccompAction } from './libseccomp.ts'
import { evaluate } from './naive.ts'
import { evaluatePseudoCode } from './pseudo-code.ts'
import { architecturesLike, NAMES, profileFor, recordsFor } from './random-profile.ts'

export interface Case {
  readonly profile: Seccomp
  readonly native: ArchitectureName
}

/** A disagreement: which profile, which call, who says what. */
export interface Difference {
  readonly kind: string
  readonly at: Case
  readonly detail: string
}

const show = (value: unknown) =>
  JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `0x${item.toString(16)}` : item))

/** x86_64 half of the time, otherwise any architecture libseccomp can translate to. */
export const randomCases = (
  count: number,
  seed: number,
  supported: readonly ArchitectureName[],
  names: readonly string[],
): Case[] => {
  const native = fc.oneof(fc.constant<ArchitectureName>('SCMP_ARCH_X86_64'), fc.constantFrom(...supported))
  const one = native.chain((name) => {
    const others = architecturesLike(name).filter((other) => supported.includes(other))
    return profileFor(others, names).map((profile): Case => ({ profile, native: name }))
  })
  return fc.sample(one, { numRuns: count, seed })
}

export interface Tally {
  readonly differences: Difference[]
  /** Profiles, and calls made under them. */
  profiles: number
  calls: number
  /** Profiles both refuse. */
  refused: number
  /** Profiles on which libseccomp crashes or does not return. */
  failed: number
  /** Calls for which the profile read literally has an answer. */
  literal: number
  /** Profiles of which libseccomp's instructions contradict the profile or its own pseudo code. */
  readonly miscompiled: Difference[]
}

/** Compares one profile everywhere; stops at its first difference. */
const compareOne = (program: string, at: Case, exported: Exported, seed: number, calls: number, tally: Tally): void => {
  const { profile, native } = at
  const { endian } = ARCHITECTURES[native]
  const compiled = compileSeccomp(profile, { arch: native })
  const differ = (kind: string, detail: string) => tally.differences.push({ kind, at, detail })
  tally.profiles++
  if (exported.failed !== undefined) {
    tally.failed++
    return
  }
  if (!('filter' in compiled) || exported.refused !== undefined) {
    tally.refused++
    if ('filter' in compiled || exported.refused === undefined)
      differ('refusal', `libseccomp ${exported.refused}, here ${show(compiled.problems)}`)
    return
  }
  const instructions = decodeFilter(compiled.filter, endian)
  for (const record of recordsFor(profile, native, seed, calls)) {
    tally.calls++
    const ours = simulate(instructions, record, endian).action
    const theirs = libseccompAction(profile, native, exported, record)
    const literal = evaluate(profile, native, record)
    const detail = `${show(record)}: here ${hex(ours)}, libseccomp ${hex(theirs)}, literally ${hex(literal)}`
    if (literal !== undefined) tally.literal++
    if (literal !== undefined && literal !== ours) {
      differ('literal', detail)
      return
    }
    if (ours === theirs) continue
    // The profile is clear, so libseccomp is wrong; or libseccomp's own pseudo code must be on this side.
    const pseudo =
      literal === undefined ? evaluatePseudoCode(exportPseudoCode(program, profile, native), record) : literal
    const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet).value
    if ((pseudo ?? fallback) !== ours) {
      differ('libseccomp', `${detail}, pseudo code ${hex(pseudo ?? fallback)}`)
      return
    }
    tally.miscompiled.push({ kind: 'miscompiled', at, detail })
    return
  }
}

const hex = (value: number | undefined): string => (value === undefined ? 'undecided' : value.toString(16))

/**
 * Before 2.6.1 libseccomp mixed up two branches when it merged conditions with equal upper words and different actions
 * (GHSA-4q85-33p6-j5g6); the compiler does what 2.6.1 does.
 */
const mixedUpBefore261 = (profile: Seccomp): boolean => {
  const seen = new Map<string, Set<string>>()
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? [])
    for (const { index, op, value } of args)
      if (op === 'SCMP_CMP_NE' || op === 'SCMP_CMP_LT' || op === 'SCMP_CMP_LE')
        for (const name of names) {
          const key = `${name} ${index} ${BigInt(value) >> 32n}`
          seen.set(key, (seen.get(key) ?? new Set()).add(`${action} ${errnoRet}`))
        }
  return [...seen.values()].some((actions) => actions.size > 1)
}

const isBefore261 = (version: string): boolean => {
  const [major = 0, minor = 0, micro = 0] = (version.split(' ')[1] ?? '').split('.').map(Number)
  return major * 10000 + minor * 100 + micro < 20601
}

/** Runs the comparison; the differences are returned, not thrown. */
export const differential = (
  program: string,
  count: number,
  seed: number,
  calls: number,
  supported: readonly ArchitectureName[],
  names: readonly string[] = NAMES,
): Tally & { readonly version: string } => {
  const cases = randomCases(count, seed, supported, names)
  const { version, results } = exportAll(program, cases)
  const tally: Tally = { differences: [], profiles: 0, refused: 0, failed: 0, calls: 0, literal: 0, miscompiled: [] }
  for (const [i, at] of cases.entries()) {
    const known = tally.differences.length
    compareOne(program, at, results[i] as Exported, seed + i, calls, tally)
    const [found] = tally.differences.slice(known)
    if (found?.kind === 'libseccomp' && isBefore261(version) && mixedUpBefore261(at.profile)) {
      tally.differences.pop()
      tally.miscompiled.push({ ...found, kind: 'fixed in 2.6.1' })
    }
  }
  return { ...tally, version }
}

/** One difference as text. */
export const describe = ({ kind, at, detail }: Difference): string =>
  `${kind} ${at.native} ${show(at.profile)}\n    ${detail}`
