/*
 * Where validate, plan and seccomp read a config from: a bundle, a file, and standard input.
 */
import { readFileSync } from 'node:fs'
import { mountsWith } from '../../harness/bundle.ts'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

scenario('validate, plan and seccomp take a bundle, a file, and standard input', { skip }, (t, box) => {
  const bundle = box.bundle({
    mounts: mountsWith({ destination: '/data', type: 'bind', source: '.', options: ['bind'] }),
  })
  const text = readFileSync(bundle.config, 'utf8')
  const ok = (args: readonly string[], options: object, name = bundle.config) => {
    const result = box.call(['validate', ...args], options)
    t.equal(result.stdout + result.stderr, `${name}: ok\n`, args.join(' '))
    t.equal(result.status, 0)
  }
  ok([], { cwd: bundle.dir })
  ok(['-b', bundle.dir], {})
  ok([bundle.dir], {})
  ok([bundle.config], {})
  ok(['-'], { stdin: text }, '-')
  ok(['-b', bundle.dir, '-'], { stdin: text }, '-')
  const plan = box.call(['plan', bundle.dir]).stdout
  t.match(plan, `path="${bundle.dir}/."`)
  t.equal(box.call(['plan', '--bundle', bundle.dir]).stdout, plan)
  t.equal(box.call(['plan', bundle.config]).stdout, plan)
  t.equal(box.call(['plan', '-b', bundle.dir, '-'], { stdin: text }).stdout, plan)
  t.match(box.call(['plan', '-'], { stdin: text, cwd: box.dir }).stdout, `path="${box.dir}/rootfs"`)
  const filter = box.call(['seccomp', bundle.dir]).stdout
  for (const args of [[bundle.config], ['-b', bundle.dir], ['-']])
    t.equal(box.call(['seccomp', ...args], { stdin: text }).stdout, filter, args.join(' '))
  const twice = box.call(['validate', '-b', bundle.dir, bundle.dir])
  t.equal(twice.status, 1)
  t.match(twice.stderr, `--bundle: ${bundle.dir} is a bundle, too`)
})
