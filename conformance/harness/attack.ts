/*
 * The frame of a test that attacks. The attack is made on the program under test, which must stop it and say why, and on a
 * program whose walls can be turned off (make WEAKEN=1, src/weaken.ts, addon/weaken.h): with all the walls that it names off it
 * must succeed, or the test would prove nothing; with any one of them on again it must not, or the list would be wrong.
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

/** Each reason begins with `ran: ` and what the container said, or `refused: ` and what the runtime said. */
export type Outcome = 'succeeded' | { readonly stopped: readonly string[] }

export interface AttackOptions extends ScenarioOptions {
  /** What stops it. None: nothing of the runtime's could be weakened; a comment says what stops it then. */
  readonly walls: readonly string[]
  /** What every reason has to be like. */
  readonly stopped: RegExp
  /** What every reason has to be like where one of several walls is on. */
  readonly byOne?: RegExp
}

export type AttackBody = (box: Box) => Promise<Outcome> | Outcome

const weakProgram = join(projectRoot, 'build/weaken/runt')

/** The same box with the weakened program in place of the one under test. */
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

/** One attack: see above. The body is run several times and must use new names each time. */
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

/** What the container's process prints first, so that a container that never ran is not taken for a harmless one. */
export const ALIVE = 'alive'

/** The outcome of a container that says ALIVE and, if the attack succeeds, something that `did` finds. */
export function outcome(result: Result, did: (output: string) => boolean): Outcome {
  if (!result.stdout.includes(ALIVE)) return { stopped: [`refused: ${result.stderr}`] }
  return did(result.stdout) ? 'succeeded' : { stopped: [`ran: ${result.stdout}`] }
}

/** Tries one after another until one succeeds. */
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

/** Gives a bundle another config: a root file system costs more than a container. */
export function configure(bundle: Bundle, patch: Patch): void {
  writeFileSync(bundle.config, JSON.stringify(patched(defaultConfig, patch)))
}

/** A container that runs in the background; one that does not is an error. */
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
  /** From the root file system of a bundle, too: `../../NAME`. */
  readonly relative: string
  readonly untouched: () => boolean
}

/** A directory of the host that no container has been given, with one file. */
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

/** Puts a link of the image in the place of what is there. */
export function link(bundle: Bundle, name: string, target: string): void {
  rmSync(join(bundle.rootfs, name), { recursive: true, force: true })
  symlinkSync(target, join(bundle.rootfs, name))
}

/** Moves the root file system away and leaves a link. */
export function moveRootfs(bundle: Bundle, to: string, target = to): void {
  renameSync(bundle.rootfs, to)
  symlinkSync(target, bundle.rootfs)
}
