/*
 * plan: prints the launch plan of a bundle without running it. Needs no privileges and leaves nothing behind; the
 * golden plans beside src/plan check the exact steps.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

interface Step {
  readonly op?: string
  readonly from?: string
}

scenario('plan prints the steps', { skip }, (t, box) => {
  const bundle = box.bundle()
  const result = box.call(['plan', bundle.dir])
  t.equal(result.status, 0, result.stderr)
  for (const word of ['pivot_root', 'execve', 'capset', 'sethostname', 'mounts[0]', '/proc']) {
    t.match(result.stdout, word)
  }
  t.same(readdirSync(box.root), [], 'and makes nothing')
})

scenario('plan --format json', { skip }, (t, box) => {
  const bundle = box.bundle()
  const result = box.call(['plan', '--format', 'json', bundle.dir])
  t.equal(result.status, 0, result.stderr)
  const plan = JSON.parse(result.stdout) as { runtimeSteps: readonly Step[]; containerSteps: readonly Step[] }
  t.ok(plan.runtimeSteps.length > 0 && plan.containerSteps.length > 5)
  for (const step of [...plan.runtimeSteps, ...plan.containerSteps]) t.type(step.from, 'string')
  t.equal(
    box.call(['plan', bundle.dir, '--format', 'json']).stdout,
    result.stdout,
    'the flag may follow; twice the same',
  )
})

scenario('plan of a bad bundle', { skip }, (t, box) => {
  const missing = box.call(['plan', join(box.dir, 'nowhere')])
  t.equal(missing.status, 1)
  t.match(missing.stderr, /nowhere/)
  const bundle = box.bundle({ process: { cwd: 7 } })
  const bad = box.call(['plan', bundle.dir])
  t.equal(bad.status, 1)
  t.match(bad.stderr, /process\.cwd/)
})
