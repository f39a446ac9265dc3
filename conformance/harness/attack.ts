/*
 * The framework for attack tests. The attack runs against the program under test, which must stop it and say why, and
 * against a program whose protections can be turned off (make WEAKEN=1, src/weaken.ts, addon/kernel/weaken.h). With all
 * named protections off it must succeed, or the test would prove nothing; with any one of them on it must fail, or the list
 * would be wrong.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { type Bundle, defaultConfig, type Patch, patched } from './bundle.ts'
import { projectRoot, runtime } from './project.ts'
import { type Box, type CallOptions, type Result, type ScenarioOptions, scenario } from './scenario.ts'

/** Each reason is `ran: ` and the output of the container, or `refused: ` and the message of the runtime. */
export type Outcome = 'succeeded' | { readonly stopped: readonly string[] }

export interface AttackOptions extends ScenarioOptions {
  /** What stops it. Empty: no protection of the runtime can be turned off; a comment says what stops the attack. */
  readonly walls: readonly string[]
  /** Every reason must match this. */
  readonly stopped: RegExp
  /** Every reason must match this if only one of several protections is on. */
  readonly byOne?: RegExp
}

export type AttackBody = (box: Box) => Promise<Outcome> | Outcome

const weakProgram = join(projectRoot, 'build/weaken/runt')

/** The same box with the weakened program instead of the one under test. */
function weakened(box: Box, off: readonly string[]): Box {
  const weak = (options: CallOptions = {}): CallOptions => ({
    ...options,
    runtime: weakProgram,
    env: { ...options.env, RUNT_WEAKEN: off.join(',') },
  })
  return {
    ...box,
    call: (args, options) => box.call(args, weak(options)),
    begin: (args, options) => box.begin(args, weak(options)),
  }
}

function expectStopped(t: Test, outcome: Outcome, like: RegExp, name: string): void {
  if (outcome === 'succeeded') {
    t.fail(`${name}: the attack succeeded`)
    return
  }
  t.not(outcome.stopped.length, 0, `${name}: something was tried`)
  const odd = outcome.stopped.filter((reason) => !like.test(reason))
  t.same(odd.slice(0, 3), [], `${name}: stopped for the right reason`, {
    like: String(like),
    of: outcome.stopped.length,
  })
}

async function attackWeakened(t: Test, box: Box, options: AttackOptions, body: AttackBody): Promise<void> {
  const { walls, byOne = /./ } = options
  const open = await body(weakened(box, walls))
  t.equal(open, 'succeeded', `it succeeds without ${walls.join(', ')}`)
  for (const wall of walls.length > 1 ? walls : []) {
    const outcome = await body(
      weakened(
        box,
        walls.filter((other) => other !== wall),
      ),
    )
    expectStopped(t, outcome, byOne, `with only ${wall}`)
  }
}

/** One attack: see above. The body runs several times and must use new names each time. */
export function attack(name: string, options: AttackOptions, body: AttackBody): void {
  scenario(name, options, async (t, box) => {
    expectStopped(t, await body(box), options.stopped, 'the program under test')
    if (!t.passing() || runtime.name !== 'runt' || options.walls.length === 0) return
    if (existsSync(weakProgram)) await attackWeakened(t, box, options, body)
    else
      t.pass('its success was not looked for', {
        skip: 'build/weaken/runt is missing (make WEAKEN=1 build/weaken/runt)',
      })
  })
}

/** The first output of the container's process, to distinguish a harmless container from one that never ran. */
export const ALIVE = 'alive'

/** The outcome of a container that prints ALIVE and, if the attack succeeds, something that `did` recognizes. */
export function outcome(result: Result, did: (output: string) => boolean): Outcome {
  if (!result.stdout.includes(ALIVE)) return { stopped: [`refused: ${result.stderr}`] }
  return did(result.stdout) ? 'succeeded' : { stopped: [`ran: ${result.stdout}`] }
}

/** Tries the items in order until one succeeds. */
export function firstOf<T>(items: Iterable<T>, run: (item: T) => Outcome): Outcome {
  const stopped: string[] = []
  for (const item of items) {
    const outcome = run(item)
    if (outcome === 'succeeded') return outcome
    stopped.push(...outcome.stopped)
  }
  return { stopped }
}

/** A bundle with a name of its own. */
export const fresh = (box: Box, patch: Patch = {}): Bundle => box.bundle(patch, { name: `b-${box.id()}` })

/** Replaces a bundle's config: a root file system costs more than a container. */
export function configure(bundle: Bundle, patch: Patch): void {
  writeFileSync(bundle.config, JSON.stringify(patched(defaultConfig, patch)))
}

/** A container that runs in the background; throws if it does not. */
export function running(box: Box, bundle: Bundle, options: CallOptions = {}): { id: string; output: () => string } {
  const id = box.id()
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id], options)
  if (result.status !== 0) throw new Error(`no container: ${result.status} ${result.stderr}`)
  box.defer(() => box.call(['delete', '--force', id]))
  return { id, output: () => result.later().stdout }
}

/** A container that waits for `start`. */
export function created(box: Box, bundle: Bundle, options: CallOptions = {}): { id: string; pid: number } {
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, id], options)
  const pid = result.status === 0 ? box.state(id)?.pid : undefined
  if (pid === undefined) throw new Error(`no container: ${result.status} ${result.stderr}`)
  box.defer(() => box.call(['delete', '--force', id]))
  return { id, pid }
}

export interface Victim {
  readonly dir: string
  /** Relative to the root file system of a bundle: `../../NAME`. */
  readonly relative: string
  readonly untouched: () => boolean
}

/** A directory of the host with one file, to which no container has access. */
export function victim(box: Box): Victim {
  const dir = join(box.dir, `victim-${box.id()}`)
  const precious = join(dir, 'precious')
  mkdirSync(dir)
  writeFileSync(precious, 'precious')
  return {
    dir,
    relative: `../../${basename(dir)}`,
    untouched: () => readdirSync(dir).join() === 'precious' && readFileSync(precious, 'utf8') === 'precious',
  }
}

/** Replaces a path of the image with a link. */
export function link(bundle: Bundle, name: string, target: string): void {
  rmSync(join(bundle.rootfs, name), { recursive: true, force: true })
  symlinkSync(target, join(bundle.rootfs, name))
}

/** Moves the root file system and leaves a link to it. */
export function moveRootfs(bundle: Bundle, to: string, target = to): void {
  renameSync(bundle.rootfs, to)
  symlinkSync(target, bundle.rootfs)
}
