/*
 * The official suite (github.com/opencontainers/runtime-tools, validation/) on the runtime under test: RUNTIME_TOOLS names a checkout in
 * which `make runtimetest validation-executables` was run. Every program gets a state root of its own; a failed point must be a known
 * fault, and a known fault that passes is reported.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { cgroups } from '../../harness/census.ts'
import { projectRoot, runtime } from '../../harness/project.ts'
import { type Box, type Result, runProgram, scenario } from '../../harness/scenario.ts'
import { knownFaults, racing, withoutVerdict } from './known-faults.ts'
import { failuresOf, readTap, type TapOutput } from './tap-points.ts'

const given = process.env.RUNTIME_TOOLS ?? ''
const tools = given === '' ? '' : resolve(projectRoot, given)

function reasonToSkip(): string | false {
  if (tools === '') return 'RUNTIME_TOOLS does not name a checkout of runtime-tools'
  if (existsSync(join(tools, 'runtimetest')) && programs().length > 0) return false
  return `${given}: no programs, run make runtimetest validation-executables there`
}

const programOf = (name: string): string => join(tools, 'validation', name, `${name}.t`)

const programs = (): readonly string[] =>
  existsSync(join(tools, 'validation'))
    ? readdirSync(join(tools, 'validation')).filter((name) => existsSync(programOf(name)))
    : []

/** The runtime with the test's own --root as a single command: the suite passes no options. */
function wrapRuntime(box: Box): string {
  const file = join(box.dir, 'runtime')
  writeFileSync(file, `#!/bin/sh\nexec '${runtime.path}' --root '${box.root}' "$@"\n`, { mode: 0o755 })
  return file
}

/**
 * Programs that exit early leave their containers behind; and the parents of a cgroup in linux.cgroupsPath stay, as
 * with every runtime, because others may use them.
 */
function deleteAll(box: Box): void {
  for (const id of readdirSync(box.root)) box.call(['delete', '--force', id])
  for (const directory of [...cgroups()].reverse()) rmdirSync(directory)
}

const total = { passed: 0, known: 0, failed: 0, silent: 0 }

function judge(test: Test, name: string, output: TapOutput, status: number): void {
  const faults = knownFaults.filter(({ tests, isHere }) => tests.includes(name) && (isHere?.() ?? true))
  const failures = failuresOf(output, status)
  const unknown = failures.filter((failure) => !faults.some(({ point }) => point === failure))
  for (const { point, why } of faults) {
    const isThere = failures.includes(point)
    test.comment(isThere ? `known: ${point}: ${why}` : `a known fault did not show: ${point}`)
  }
  const skipped = output.points.filter(({ excuse }) => excuse !== undefined).length
  test.same(
    unknown,
    [],
    `${output.points.length - skipped} points, ${skipped} skipped, ${failures.length} known faults`,
  )
  if (unknown.length > 0) total.failed++
  else if (failures.length > 0) total.known++
  else total.passed++
}

const isGood = ({ status, stdout }: Result): boolean => failuresOf(readTap(stdout), status).length === 0

const skip = reasonToSkip()
if (skip !== false) t.test('the official suite', { skip }, () => undefined)

for (const name of skip === false ? programs() : []) {
  scenario(`runtime-tools: ${name}`, {}, (test, box) => {
    const scratch = join(box.dir, 'tmp')
    mkdirSync(scratch)
    box.defer(() => deleteAll(box))
    const env = { RUNTIME: wrapRuntime(box), TMPDIR: scratch }
    const run = () => runProgram(box.dir, [programOf(name)], { cwd: tools, env, timeout: 120_000 })
    let result = run()
    for (let tries = 0; racing.includes(name) && tries < 2 && !isGood(result); tries++) result = run()
    const { status, stdout, stderr } = result
    const output = readTap(stdout)
    if (withoutVerdict.includes(name) && output.points.length === 0) {
      total.silent++
      test.pass('# SKIP it prints no points')
      return
    }
    judge(test, name, output, status)
    if (!test.passing()) test.comment(stderr)
  })
}

t.teardown(() => {
  if (skip !== false) return
  const { passed, known, failed, silent } = total
  const sum = passed + known + failed + silent
  t.comment(
    `official suite: ${sum} programs, ${passed} passed, ${known} with known faults only, ${failed} failed, ${silent} silent`,
  )
})
