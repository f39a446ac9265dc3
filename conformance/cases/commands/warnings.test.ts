/*
 * Warnings: create, start, run, exec and restore share standard error with the container's process, and an engine
 * treats all of it as the program's output. So warnings go to --log, to a terminal, or with --debug to standard error.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTerminal } from '../../harness/console.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, type CallOptions, type Result, scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'runc and crun print warnings to standard error'

const unknown = ['CAP_NO_SUCH']
const warning = /CAP_NO_SUCH/

/** run, create and start, exec, with a process whose config has an unknown capability. */
function commands(box: Box): Readonly<Record<string, (globals: readonly string[], options?: CallOptions) => Result>> {
  const { dir } = box.bundle({
    process: { args: ['sh', '-c', 'echo own >&2'], capabilities: { bounding: unknown } },
  })
  const host = box.bundle({ process: { args: ['sleep', '1000'] } }, { name: 'host' })
  const running = box.id()
  box.call(['run', '--detach', '--bundle', host.dir, running])
  box.defer(() => box.call(['delete', '--force', running]))
  const file = join(box.dir, 'process.json')
  const args = ['sh', '-c', 'echo own >&2']
  writeFileSync(
    file,
    JSON.stringify({ args, cwd: '/', user: {}, env: ['PATH=/bin'], capabilities: { bounding: unknown } }),
  )
  return {
    run: (globals, options) => box.call([...globals, 'run', '--bundle', dir, box.id()], options),
    exec: (globals, options) => box.call([...globals, 'exec', '--process', file, running], options),
    create: (globals, options) => {
      const id = box.id()
      const result = box.call([...globals, 'create', '--bundle', dir, id], options)
      box.call(['delete', '--force', id])
      return result
    },
  }
}

scenario('without --log warnings are not written to the container’s standard error', { skip }, (t, box) => {
  for (const [name, call] of Object.entries(commands(box))) {
    for (const globals of [[], ['--log-format', 'json'], ['--log', '']]) {
      const result = call(globals)
      t.equal(result.status, 0, result.stderr)
      t.equal(result.stderr, name === 'create' ? '' : 'own\n', `${name} ${globals.join(' ')}`)
    }
  }
})

scenario('warnings appear in the log, on a terminal and with --debug', { skip }, (t, box) => {
  for (const [name, call] of Object.entries(commands(box))) {
    const log = join(box.dir, `${name}.log`)
    t.notMatch(call(['--log', log, '--log-format', 'json']).stderr, warning, name)
    const lines = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    t.match(lines, [{ level: 'warning', msg: warning }], name)
    t.match(call(['--debug']).stderr, /level=warning msg=.*CAP_NO_SUCH/, `${name} --debug`)
    // A created container would keep the terminal open.
    if (name === 'create') continue
    const shown = call([], { wrap: onTerminal(24, 80) })
    t.match(shown.stdout, /^runt \w+ \S+: .{0,9}warning:.{0,4} .*CAP_NO_SUCH/m, `${name} on a terminal`)
  }
})

scenario('errors are written to standard error with and without --log', { skip }, (t, box) => {
  const { dir } = box.bundle({ process: { args: ['/missing'], capabilities: { bounding: unknown } } })
  const result = box.call(['run', '--bundle', dir, box.id()])
  t.match(result, { status: 1, stderr: /missing/ })
  t.notMatch(result.stderr, warning)
})

scenario('the warnings of other commands are printed', { skip }, (t, box) => {
  const { dir } = box.bundle({
    process: { args: ['sleep', '1000'] },
    hooks: { poststop: [{ path: '/bin/false' }] },
  })
  const id = box.id()
  t.equal(box.call(['create', '--bundle', dir, id]).status, 0)
  t.match(box.call(['delete', '--force', id]), { status: 0, stderr: /level=warning msg=.*hook/ })
})

scenario(
  'on a terminal warnings, errors and debug messages have one form, and colours unless NO_COLOR',
  { skip },
  (t, box) => {
    const bad = box.bundle({ process: { cwd: 7 } }, { name: 'bad' })
    const good = box.bundle({ process: { capabilities: { bounding: unknown } } }, { name: 'good' })
    const call = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
      box.call(args, { wrap: onTerminal(24, 80), env: { TERM: 'xterm', ...env } }).stdout.replaceAll('\r', '')
    const error = call({}, 'run', '--bundle', bad.dir, 'one')
    t.match(error, '\x1b[31mrunt run one:\x1b[0m ')
    const plain = call({ NO_COLOR: '1' }, 'run', '--bundle', bad.dir, 'one')
    t.match(plain, /^runt run one: .*config\.json/m)
    t.notMatch(call({ TERM: 'dumb' }, 'run', '--bundle', bad.dir, 'one'), '\x1b')
    const id = box.id()
    const debug = call({ NO_COLOR: '1' }, '--debug', 'run', '--bundle', good.dir, id)
    t.notMatch(debug, '\x1b')
    t.match(debug, new RegExp(`^runt run ${id}: warning: .*CAP_NO_SUCH`, 'm'))
    for (const phase of [
      'read /',
      'probed the host',
      'launching',
      'container step 0:',
      'init has executed the program',
    ])
      t.match(debug, new RegExp(`^runt run ${id}: debug: \\+\\d+ ms: ${phase}`, 'm'))
    t.notMatch(debug, 'level=')
    const log = join(box.dir, 'debug.log')
    t.equal(
      box.call(['--debug', '--log', log, 'run', '--bundle', good.dir, box.id()], { wrap: onTerminal(24, 80) }).status,
      0,
    )
    t.match(readFileSync(log, 'utf8'), /^time="[^"]*" level=debug msg="runtime step 0: /m)
  },
)
