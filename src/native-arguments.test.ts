/*
 * Wrong arguments to the functions of the addon, on Node and on the static host (addon/quickjs/testing/arguments.ts): each call throws an
 * error that names the function and the argument, and the process continues.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { native } from './entry/node.ts'

const build = join(process.cwd(), process.env.RUNT_BUILD ?? 'build')
const script = join(build, 'arguments/js/arguments.js')
const onNode = `import { createRequire } from 'node:module'
const { main } = await import(${JSON.stringify(script)})
await main(createRequire(${JSON.stringify(script)})(${JSON.stringify(join(build, 'runt.node'))}))`

/** Runs the calls in a process of its own and returns its output. */
function check(t: Test, argv: readonly [string, ...string[]]): string {
  const [program, ...args] = argv
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 })
  t.same({ status, signal, stderr }, { status: 0, signal: null, stderr: '' }, 'the process lives to its end')
  const lines = stdout.trimEnd().split('\n')
  t.ok(lines.length > 1000, `${lines.length} calls`)
  t.same(
    lines.filter((line) => !line.startsWith('right ')),
    [],
    'every call throws what it must',
  )
  for (const name of Object.keys(native)) {
    if (native[name as keyof typeof native].length > 0) t.ok(stdout.includes(`right ${name} `), name)
  }
  return stdout
}

t.test('wrong arguments throw the same errors on Node and on the static host', async (t) => {
  const found = check(t, [process.execPath, '--input-type=module', '--eval', onNode])
  const embedded = check(t, [join(build, 'arguments/host')])
  t.equal(embedded, found)
})
