/*
 * validate and a hostile root file system: links are resolved inside it, and nothing there is opened.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, mountsWith } from '../../harness/bundle.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

function problems(box: Box, bundle: Bundle): string[] {
  const found = JSON.parse(box.call(['validate', '--format', 'json', bundle.dir]).stdout)
  return found.problems.map(({ path }: { path: string }) => path)
}

/** What is below a mount of the config is not known. */
const expected = (target: string): string[] => (/^\/(proc|dev)\//.test(target) ? [] : ['process.args[0]'])

scenario('validate follows no link of an image out of it', { skip }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['/program'] } }, { name: 'links' })
  const program = join(bundle.rootfs, 'program')
  const outside = join(box.dir, 'outside')
  writeFileSync(outside, '#!/bin/sh\n')
  chmodSync(outside, 0o755)
  const replace = (target: string) => {
    rmSync(program, { force: true })
    symlinkSync(target, program)
  }
  for (const target of [outside, `../../../..${outside}`, '/proc/self/exe', 'program', '/dev/null']) {
    replace(target)
    t.same(problems(box, bundle), expected(target), target)
  }
  replace('/bin/busybox')
  t.same(problems(box, bundle), [], 'a link inside')
  mkdirSync(join(bundle.rootfs, 'deep'))
  symlinkSync('/', join(bundle.rootfs, 'deep/root'))
  replace('deep/root/../../deep/root/bin/busybox')
  t.same(problems(box, bundle), [], 'a link of a directory')
})

scenario('validate knows where links of an image lead a mount', { skip }, (t, box) => {
  const mount = { destination: '/link/data', type: 'bind', source: 'rootfs/bin', options: ['rbind'] }
  const bundle = box.bundle({ process: { args: ['/place/data/true'] }, mounts: mountsWith(mount) })
  mkdirSync(join(bundle.rootfs, 'place'))
  symlinkSync('/place', join(bundle.rootfs, 'link'))
  t.same(problems(box, bundle), [])
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).stderr, '')
})

scenario('validate only warns of what a hook may make', { skip }, (t, box) => {
  const command = 'mkdir rootfs/made && cp rootfs/bin/busybox rootfs/made/true'
  const hook = { path: '/bin/sh', args: ['sh', '-c', command] }
  const bundle = box.bundle({ process: { args: ['/made/true'] }, hooks: { createRuntime: [hook] } })
  const checked = box.call(['validate', bundle.dir])
  t.match(checked.stdout, /warning: process\.args\[0\]: "\/made\/true" is not in .*, unless a hook changes that\n/)
  t.equal(checked.status, 0)
  const run = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(run.stderr, '')
  t.equal(run.status, 0)
})

scenario('validate opens no FIFO of an image', { skip }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['/fifo'] } })
  execFileSync('mkfifo', ['-m', '755', join(bundle.rootfs, 'fifo')])
  t.same(problems(box, bundle), ['process.args[0]'])
})
