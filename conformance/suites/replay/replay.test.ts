/*
 * Caller replay: the call sequences of calls.ts with runt, with runc and with crun. The effects of each call must be those that
 * are listed; calls.ts explains differences between runtimes.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openConsole } from '../../harness/console.ts'
import { probing } from '../../harness/probe.ts'
import { findRuntime, type Runtime, runtime } from '../../harness/project.ts'
import { either, needsCgroupsOfCrun, type Skip } from '../../harness/requires.ts'
import { type Box, type Result, scenario, until } from '../../harness/scenario.ts'
import { type Call, type Conversation, conversations, type Observation } from './calls.ts'
import { errorLines, meaningOf, outputShape } from './shape.ts'

interface Caller {
  readonly box: Box
  readonly runtime: Runtime
  readonly conversation: Conversation
  readonly id: string
  readonly bundle: string
  readonly root: string
  readonly dir: string
  readonly fds: readonly number[]
  /** Of the call that created the container: the output files of its process. */
  created: Result | undefined
  /** The terminal of the container, or of the last exec. */
  terminal: (() => string) | undefined
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
const isAlive = (pid: number): boolean => !/^State:\s+Z/m.test(read(`/proc/${pid}/status`) || 'State: Z')

function stateOf({ box, runtime, id, root }: Caller): { readonly status: string; readonly pid: number } | undefined {
  const result = box.call(['state', id], { root, runtime: runtime.path })
  return result.status === 0 ? JSON.parse(result.stdout) : undefined
}

/** Makes the call and observes its effects. */
async function hold(caller: Caller, call: Call): Promise<Observation> {
  const { box, conversation, id, bundle, root, dir, fds } = caller
  const console = call.console ? await openConsole(box, `console-${box.id()}.sock`) : undefined
  const fill = (text: string): string =>
    Object.entries({ ID: id, BUNDLE: bundle, ROOT: root, DIR: dir, SOCKET: console?.socket ?? '' }).reduce(
      (filled, [name, value]) => filled.replaceAll(`{${name}}`, value),
      text,
    )
  for (const [name, content] of Object.entries(call.files ?? {}))
    writeFileSync(join(dir, name), JSON.stringify(content))
  const pidPath = join(dir, call.pidFile ?? 'none')
  rmSync(pidPath, { force: true })
  const before = logOf(dir).length
  const result = box.call([...conversation.globals, ...call.argv].map(fill), {
    root: null,
    runtime: caller.runtime.path,
    cwd: conversation.cwd === 'bundle' ? bundle : dir,
    fds,
    ...(call.stdin !== undefined && { stdin: call.stdin }),
    ...(call.env && { env: call.env }),
  })
  if (call.argv.includes('create')) caller.created = result
  if (console !== undefined) caller.terminal = console.text
  if (conversation.args === undefined && call.argv[0] === 'start' && result.status === 0) await handlers(caller)
  const written = read(pidPath)
  const output = call.ends ? await outputOf(caller, result, Number(written)) : ''
  const state = stateOf(caller)
  const errors = logOf(dir).slice(before)
  const failed = result.status !== 0 && call.expect.meaning !== undefined
  return clean({
    status: result.status,
    // The output of a detached exec is that of its process.
    stdout: (call.argv.includes('--detach') ? '' : outputShape(result.stdout)) || undefined,
    stderr: result.stderr === '' ? undefined : 'some',
    logged: errors.length || undefined,
    meaning: failed ? meaningOf(errors.at(-1) ?? result.stderr) : undefined,
    pidFile:
      written === '' ? undefined : written === String(state?.pid) ? 'init' : /^\d+$/.test(written) ? 'other' : 'odd',
    state: state?.status,
    output: output || undefined,
  })
}

/** Signals sent to pid 1 of a pid namespace before it has handlers are lost. */
const handlers = ({ created }: Caller): Promise<void> =>
  until(() => /^ready$/m.test(created?.later().stdout ?? ''), 'the handlers of the container’s process')

const logOf = (dir: string): readonly string[] =>
  ['log.json', 'oci-log'].flatMap((name) => errorLines(read(join(dir, name))))

const clean = (observation: { readonly [key: string]: unknown }): Observation =>
  Object.fromEntries(Object.entries(observation).filter(([, value]) => value !== undefined)) as unknown as Observation

/** Waits for the end of what the call has started or ended, and returns its output. */
async function outputOf(caller: Caller, result: Result, pid: number): Promise<string> {
  if (pid > 0) await until(() => !isAlive(pid), 'the end of the process')
  else await until(() => stateOf(caller)?.status === 'stopped', 'the end of the container')
  const { terminal } = caller
  if (terminal !== undefined) {
    await until(() => terminal() !== '', 'terminal output')
    caller.terminal = undefined
    return terminal().replaceAll('\r', '')
  }
  const from = pid > 0 ? result : caller.created
  const text = from?.later().stdout ?? ''
  return text.startsWith('== wait') ? '' : text.replaceAll(/^(\d) .*$/gm, '$1')
}

/** The expected observation for this runtime. */
function expected({ expect, differs }: Call, { name }: Runtime): Observation {
  const sees = differs?.[name === 'runt-node' ? 'runt' : name]?.sees ?? {}
  return clean({
    ...expect,
    ...Object.fromEntries(Object.entries(sees).map(([key, value]) => [key, value ?? undefined])),
  })
}

const contestants = [runtime, findRuntime('runc'), findRuntime('crun')].filter(
  (found, index, all): found is Runtime =>
    found !== undefined && all.findIndex((other) => other?.name === found.name) === index,
)

/** calls.ts has the results of crun 1.21; older versions have other messages. */
function needsKnownCrun({ name, path }: Runtime): Skip {
  if (name !== 'crun') return false
  const version = /version (\d+)\.(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)
  const isKnown = Number(version?.[1]) > 1 || Number(version?.[2]) >= 21
  return isKnown
    ? needsCgroupsOfCrun()
    : `crun ${version?.[1]}.${version?.[2]} is older than 1.21, whose answers are known`
}

for (const conversation of conversations) {
  for (const contestant of contestants) {
    const skip = either(conversation.not?.[contestant.name] ?? false, needsKnownCrun(contestant))
    scenario(`${conversation.caller}: ${contestant.name}`, { skip }, async (t, box) => {
      const [dir, root] = [join(box.dir, 'caller'), join(box.dir, 'root')]
      mkdirSync(dir)
      mkdirSync(root, { mode: 0o700 })
      const bundle = box.bundle(
        conversation.args === undefined
          ? probing(['wait'])
          : { process: { args: [...conversation.args], terminal: conversation.terminal ?? false } },
      )
      const fds = Array.from({ length: conversation.leaked }, () => openSync('/', 'r'))
      const id = box.id()
      const caller: Caller = {
        ...{ box, runtime: contestant, conversation, id, bundle: bundle.dir, root, dir, fds },
        created: undefined,
        terminal: undefined,
      }
      try {
        for (const call of conversation.calls)
          t.strictSame(await hold(caller, call), expected(call, contestant), call.argv.join(' '))
      } finally {
        for (const fd of fds) closeSync(fd)
        box.call(['delete', '--force', id], { root, runtime: contestant.path })
      }
    })
  }
}
