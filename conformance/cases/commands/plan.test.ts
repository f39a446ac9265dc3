/*
 * plan: prints the launch plan of a bundle without running it. Needs no privileges and leaves nothing behind; the
 * golden plans beside src/plan check the exact steps.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
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

scenario('plan --summary', { skip }, (t, box) => {
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  const bundle = box.bundle({
    process: { args: ['echo', 'two words'], env: ['SECRET=1'] },
    linux: {
      namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'user'].map((type) => ({ type })),
      uidMappings: mapping,
      gidMappings: mapping,
      resources: { memory: { limit: 64 << 20, swappiness: 60 }, pids: { limit: 7 } },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mount', 'umount2'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
    hooks: { prestart: [{ path: '/bin/true', timeout: 5 }] },
  })
  const { status, stdout, stderr } = box.call(['plan', '--summary', '--id', 'web', bundle.dir])
  t.match({ status, stderr }, { status: 0, stderr: '' })
  const wanted = [
    /^container {5}web, from \//m,
    /^process {7}"echo" "two words"$/m,
    /^ids {11}uids 0 to 65535 are 100000 to 165535 of the host$/m,
    /^limits {8}memory\.limit 64 MiB\n {14}memory\.swappiness 60\n {14}pids\.limit 7$/m,
    /^seccomp {7}SCMP_ACT_ALLOW except 2 calls in 1 rules/m,
    /^hooks {9}prestart: \/bin\/true, at most 5 s$/m,
  ]
  for (const line of wanted) t.match(stdout, line)
  t.notMatch(stdout, 'SECRET')
  t.same(readdirSync(box.root), [])
})

scenario('plan diff', { skip }, (t, box) => {
  const one = box.bundle({ hostname: 'one' }, { name: 'one' })
  const other = box.bundle({ hostname: 'two' }, { name: 'other' })
  const { status, stdout } = box.call(['plan', 'diff', one.dir, other.dir])
  t.equal(status, 0)
  t.equal(stdout, 'container\n  hostname\n    - sethostname name="one"\n    + sethostname name="two"\n')
  t.match(box.call(['plan', 'diff', one.dir, one.dir]), { status: 0, stdout: '' })
  for (const args of [
    ['diff', one.dir, other.dir, '--summary'],
    [one.dir, other.dir],
    [one.dir, one.dir, one.dir],
  ])
    t.match(box.call(['plan', ...args]), { status: 1, stdout: '', stderr: /"plan|--summary/ }, args.join(' '))
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

scenario('exec, update and delete --plan change nothing', { skip }, (t, box) => {
  const id = box.id()
  const hooks = { poststop: [{ path: '/bin/true' }] }
  const bundle = box.bundle({ process: { args: ['sleep', '100'] }, hooks })
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
  const directory = join(box.root, id)
  const state = readFileSync(join(directory, 'state.json'), 'utf8')
  const exec = box.call(['exec', '--plan', '--env', 'SECRET=1', id, 'touch', '/made'])
  t.match(exec, { status: 0, stderr: '', stdout: /setns (.*\n)*.*execve args=\["touch" "\/made"\]/ })
  t.notMatch(exec.stdout, 'SECRET=1')
  t.notOk(existsSync(join(bundle.dir, 'rootfs/made')))
  const update = box.call(['update', '--plan', '--pids-limit', '77', id])
  t.match(update, { status: 0, stderr: '', stdout: /linux\.resources\.pids\.limit\n.*pids\.max.* data="77"/ })
  t.match(box.call(['delete', '--plan', id]), { status: 1, stdout: '', stderr: /not stopped: running/ })
  const removal = box.call(['delete', '--plan', '--force', id])
  const { pid } = box.state(id) ?? {}
  t.equal(removal.status, 0)
  const lines = removal.stdout.split('\n')
  t.equal(lines[0], `kill process ${pid}`)
  t.match(lines.at(-3), 'run hooks.poststop[0] (/bin/true)')
  t.equal(lines.at(-2), `remove ${directory}`)
  t.equal(box.state(id)?.status, 'running')
  t.equal(readFileSync(join(directory, 'state.json'), 'utf8'), state)
  // What was said is what is done.
  const cgroups = lines.flatMap((line) =>
    line.startsWith('remove cgroup ') ? [line.slice('remove cgroup '.length)] : [],
  )
  t.ok(cgroups.length > 0 && cgroups.every((path) => existsSync(path)))
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.same(
    cgroups.filter((path) => existsSync(path)),
    [],
  )
})

scenario('delete --plan of an interrupted creation names no process', { skip }, (t, box) => {
  const id = box.id()
  t.equal(box.call(['create', '--bundle', box.bundle().dir, id]).status, 0)
  rmSync(join(box.root, id, 'state.json'))
  const { status, stdout } = box.call(['delete', '--plan', '--force', id])
  t.equal(status, 0)
  t.match(stdout, /^remove cgroup /)
  t.notMatch(stdout, 'kill process')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
