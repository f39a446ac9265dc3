/*
 * config.md, "Mounts": all single options and all pairs of them on a recursive bind mount with a submount, compared with runc and crun by
 * the flags of both mounts in the container's mountinfo. Once with a source without flags and once with one that has all of them.
 * harness/option-rules.ts has rules for the differences of peers; any other difference is a failure, and so is an unused rule.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { defaultConfig, mountsWith, patched } from '../../harness/bundle.ts'
import { idle, type Rule, rules, words } from '../../harness/option-rules.ts'
import { peerCall } from '../../harness/peers.ts'
import { parseMount } from '../../harness/probe.ts'
import { type Box, type CallOptions, scenario } from '../../harness/scenario.ts'

type Options = readonly string[]
const sources = {
  plain: 'rw',
  strict: 'ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow',
  timed: 'noatime,nodiratime',
}
type Source = keyof typeof sources
const keyOf = (source: Source, options: Options): string => [source, ...options].join(' ')

/** Two mounts, one below the other, each with these flags. */
function makeSource(box: Box, name: Source): void {
  const top = join(box.dir, name)
  const below = join(top, 'below')
  mkdirSync(top)
  execFileSync('mount', ['-t', 'tmpfs', name, top])
  box.defer(() => spawnSync('umount', ['--recursive', top]))
  mkdirSync(below)
  execFileSync('mount', ['-t', 'tmpfs', '-o', sources[name], name, below])
  execFileSync('mount', ['-o', `remount,bind,${sources[name]}`, top])
}

/** One container with all of these bind mounts: the flags of both mounts; undefined if it is refused. */
function tryMounts(box: Box, source: Source, list: readonly Options[], call: CallOptions): string[] | undefined {
  const mounts = list.flatMap((options, index) => {
    const mount = { destination: `/run/${index}`, type: 'bind', source: join(box.dir, source) }
    // Mounted with `nosuid` first and changed afterwards.
    const first = options[0] === 'remount' ? [{ ...mount, options: ['rbind', 'nosuid'] }] : []
    return [...first, { ...mount, options: [first.length > 0 ? 'bind' : 'rbind', ...options] }]
  })
  const patch = { process: { args: ['/bin/cat', '/proc/self/mountinfo'] }, mounts: mountsWith(...mounts) }
  // One bundle for all: the root file system is the same.
  const bundle = join(box.dir, 'bundle')
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(patched(defaultConfig, patch)))
  const result = box.call(['run', '--bundle', bundle, box.id()], call)
  if (result.status !== 0) return undefined
  const at = new Map<string, string>()
  for (const line of result.stdout.split('\n')) {
    const { target, options } = parseMount(line)
    if (target.startsWith('/run/')) at.set(target, options.join())
  }
  return list.map((_, index) => `${at.get(`/run/${index}`)} | ${at.get(`/run/${index}/below`)}`)
}

const BATCH = 450

/** The results for all of these lists by their keys. None may be refused. */
function results(t: Test, box: Box, lists: ReadonlyMap<string, [Source, Options]>, call: CallOptions) {
  const found = new Map<string, string>()
  for (const source of Object.keys(sources) as Source[]) {
    const own = [...lists.values()].filter(([name]) => name === source).map(([, options]) => options)
    for (let start = 0; start < own.length; start += BATCH) {
      const batch = own.slice(start, start + BATCH)
      const flags = tryMounts(box, source, batch, call)
      if (flags === undefined) {
        const refused = batch.find((options) => tryMounts(box, source, [options], call) === undefined)
        t.fail(`${call.runtime ?? 'runt'} refuses ${source} ${refused}`)
      }
      for (const [index, options] of batch.entries()) found.set(keyOf(source, options), flags?.[index] ?? 'refused')
    }
  }
  return found
}

const paired = words.filter((word) => !idle.includes(word))
/** Every option and every two of them, in both orders, for both sources. */
const cases: readonly [Source, Options][] = (['plain', 'strict'] as const).flatMap((source) => [
  [source, []] as [Source, Options],
  ...words.map((word): [Source, Options] => [source, [word]]),
  ...paired.flatMap((one) =>
    paired.filter((other) => other !== one).map((two): [Source, Options] => [source, [one, two]]),
  ),
])

/** The options for runt, and the rules by which they differ from the options for the peer. */
function translate(options: Options, all: readonly Rule[]): { as: ReturnType<Rule['as']>; used: readonly Rule[] } {
  const used: Rule[] = []
  let as = options
  for (const rule of all) {
    const next = rule.as(as)
    if (next === 'refused' || next === 'other') return { as: next, used: [...used, rule] }
    if (next.join() !== as.join()) used.push(rule)
    as = next
  }
  return { as, used }
}

const byKey = (list: readonly [Source, Options][]) =>
  new Map(list.map(([source, options]) => [keyOf(source, options), [source, options] as [Source, Options]]))

for (const name of ['runc', 'crun'] as const) {
  const call = peerCall(name)
  const skip = call === undefined ? `no ${name}` : false
  const peers = { runc: 'it is what is compared with', crun: 'it is what is compared with' }
  scenario(`all single options and all pairs as ${name}, but for the rules`, { skip, peers }, (t, box) => {
    if (call === undefined) return
    box.bundle()
    for (const source of Object.keys(sources) as Source[]) makeSource(box, source)
    const all = rules[name]
    const translated = cases.map(([source, options]) => ({ source, options, ...translate(options, all) }))
    const taken = translated.flatMap(({ source, options, as }) =>
      typeof as === 'string' ? [] : [{ source, options, as }],
    )
    const theirs = results(t, box, byKey(taken.map(({ source, options }) => [source, options])), call)
    const wanted = [...cases, ...taken.map(({ source, as }): [Source, Options] => [source, as])]
    const ours = results(t, box, byKey(wanted), {})
    const different: string[] = []
    const needed = new Set<Rule>()
    for (const { source, options, as, used } of translated) {
      if (typeof as === 'string') continue
      const their = theirs.get(keyOf(source, options))
      if (their !== ours.get(keyOf(source, as)))
        different.push(`${keyOf(source, options)}: ${their}, not ${ours.get(keyOf(source, as))}`)
      if (their !== ours.get(keyOf(source, options))) for (const rule of used) needed.add(rule)
    }
    t.same(different.slice(0, 20), [], `${different.length} differences of ${taken.length} that no rule explains`)
    for (const rule of all) {
      const left = translated.filter(
        ({ source, used, as }) => source === 'plain' && typeof as === 'string' && used.at(-1) === rule,
      )
      if (left.length === 0) t.ok(needed.has(rule), `there is a difference: ${rule.why}`)
      // In pairs, one stands for all of them.
      const singles = left.filter(({ options }) => options.length === 1)
      for (const { options, as } of singles.length > 0 ? singles : left.slice(0, 1)) {
        const their = tryMounts(box, 'plain', [options], call)?.[0]
        t.equal(their === undefined, as === 'refused', `${options}, ${as}: ${rule.why}`)
        t.not(their, ours.get(keyOf('plain', options)))
      }
    }
  })
}

for (const name of ['runc', 'crun'] as const) {
  const call = peerCall(name)
  const skip = call === undefined ? `no ${name}` : false
  const peers = { runc: 'it is what is compared with', crun: 'it is what is compared with' }
  const title = `a remount takes back what it does not name with ${name}, but access times, and not with runt`
  scenario(title, { skip, peers }, (t, box) => {
    box.bundle()
    for (const source of ['plain', 'timed'] as const) makeSource(box, source)
    const flagWords = words.filter((word) =>
      /^r?(no)?(suid|dev|exec|atime|diratime|relatime|strictatime)$|^r?r[ow]$/.test(word),
    )
    const taken = flagWords.filter((word) => translate([word], rules[name]).as !== 'refused')
    const theirs = tryMounts(
      box,
      'timed',
      taken.map((word) => ['remount', word]),
      call ?? {},
    )
    // A new bind mount with flags only has those, too.
    const exact = taken.map((word) => [...translate([word], rules[name]).as, 'silent'])
    t.same(theirs, tryMounts(box, 'timed', exact, {}), taken.join())
    const kept = tryMounts(
      box,
      'plain',
      flagWords.map((word) => ['remount', word]),
      {},
    )
    const named = tryMounts(
      box,
      'plain',
      flagWords.map((word) => [word === 'suid' ? 'suid' : 'nosuid', word]),
      {},
    )
    t.same(kept, named, flagWords.join())
  })
}
