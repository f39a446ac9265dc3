/*
 * Failures that a user meets, as a table: each row makes one for real, and says what its message must have. The names are those of the
 * sixty failures of issue 14.
 */
import type { Json, Patch } from './bundle.ts'
import { isRunt } from './project.ts'
import { either, type Skip } from './requires.ts'
import { type Box, type CallOptions, type Result, scenario } from './scenario.ts'

export interface Failure {
  readonly name: string
  readonly skip?: Skip
  /** Makes the failure; returns the call that failed. */
  readonly fail: (box: Box) => Result | Promise<Result>
  /** 1 by default. */
  readonly status?: number
  /** The property of the config, the flag, or the object. */
  readonly property: string | RegExp
  /** The system call and errno, or the rule that was broken. */
  readonly call: string | RegExp
  readonly cause: string | RegExp
  readonly wayOut: string | RegExp
}

const has = (text: string, part: string | RegExp): boolean =>
  typeof part === 'string' ? text.includes(part) : part.test(text)

/** One test a failure: its last line on standard error is an error with all four parts, and asks no question. */
export function failures(rows: readonly Failure[]): void {
  for (const { name, skip = false, fail, status = 1, ...parts } of rows) {
    scenario(name, { skip: either(isRunt ? false : 'others have other words', skip) }, async (t, box) => {
      const result = await fail(box)
      const message = result.stderr.trimEnd().split('\n').at(-1) ?? ''
      t.equal(result.status, status, result.stderr)
      if (status !== 0) t.match(message, /^runt [a-z]+ [^ ]+: /)
      for (const [part, words] of Object.entries(parts)) t.ok(has(message, words), part, { message, words })
      t.notMatch(message, /\b(?:is|are|does|has|may) [^;]*\?$/, 'a hint is no question')
    })
  }
}

/** `run` of the default config with the patch, as `true` unless it says otherwise. */
export function run(box: Box, patch: Patch, options: CallOptions = {}): Result {
  const bundle = box.bundle(patch, { name: box.id() })
  return box.call(['run', '--bundle', bundle.dir, box.id()], options)
}

/** `create` of the default config with the patch. */
export function create(box: Box, patch: Patch, options: CallOptions = {}): Result {
  const bundle = box.bundle(patch, { name: box.id() })
  return box.call(['create', '--bundle', bundle.dir, box.id()], options)
}

const types = ['pid', 'network', 'ipc', 'uts', 'mount', 'user']
const range: readonly Json[] = [{ containerID: 0, hostID: 100000, size: 65536 }]

/** A user namespace with these mappings, and the namespaces of the default config. */
export const inUserNamespace = (mappings = range): Patch => ({
  linux: { namespaces: types.map((type) => ({ type })), uidMappings: mappings, gidMappings: mappings },
})

/** The same without one of the others. */
export const withoutNamespace = (type: string): Patch => {
  const namespaces = types.filter((other) => other !== type).map((other) => ({ type: other }))
  return { linux: { namespaces, uidMappings: range, gidMappings: range } }
}

/** Runs the runtime after the commands of a shell, in a mount namespace of its own. */
export const afterCommands = (commands: string): CallOptions => ({
  wrap: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${commands} && exec "$@"`, 'sh'],
})
