/*
 * validate by an unprivileged user: it finds what this user may not do.
 */
import type { Patch } from '../../harness/bundle.ts'
import { callAs, isRoot, needsUser, rootlessBundle, user } from '../../harness/ordinary-user.ts'
import { isRunt } from '../../harness/project.ts'
import { either } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = either(isRunt ? false : 'only runt has it', needsUser())
const quiet: Patch = { process: { args: ['true'] } }
const own = [{ containerID: 0, hostID: user, size: 1 }]

const bad: readonly (readonly [path: string, patch: Patch])[] = [
  ['process.oomScoreAdj', { process: { args: ['true'], oomScoreAdj: -999 } }],
  [
    'process.rlimits[0].hard',
    { process: { args: ['true'], rlimits: [{ type: 'RLIMIT_NICE', soft: 1, hard: 999999 }] } },
  ],
  ['process.scheduler', { process: { args: ['true'], scheduler: { policy: 'SCHED_FIFO', priority: 9 } } }],
  ['linux.uidMappings[0]', { ...quiet, linux: { uidMappings: [{ containerID: 0, hostID: 900000000, size: 65536 }] } }],
  [
    'linux.namespaces[0].type linux.namespaces[1].type',
    {
      ...quiet,
      linux: { namespaces: [{ type: 'uts' }, { type: 'mount' }], uidMappings: undefined, gidMappings: undefined },
    },
  ],
  [
    'mounts[0].type',
    {
      ...quiet,
      mounts: [{ destination: '/sys', type: 'sysfs', source: 'sysfs' }],
      linux: { namespaces: [{ type: 'uts' }, { type: 'mount' }, { type: 'user' }], uidMappings: own, gidMappings: own },
    },
  ],
  ['mounts[0].type', { ...quiet, mounts: [{ destination: '/mnt', type: 'ext4', source: 'x' }] }],
  ['linux.devices[0].path', { ...quiet, linux: { devices: [{ path: '/dev/none', type: 'c', major: 9, minor: 9 }] } }],
]

scenario('validate finds what a user may not do', { skip, user: 'any' }, (t, box) => {
  for (const [path, patch] of bad) {
    const bundle = rootlessBundle(box, patch)
    t.not(callAs(box, ['run', '--bundle', bundle, box.id()]).status, 0, `run: ${path}`)
    const found = JSON.parse(callAs(box, ['validate', '-f', 'json', bundle]).stdout)
    t.same(
      found.problems.map((problem: { path: string }) => problem.path),
      path.split(' '),
    )
  }
})

scenario('validate has no problem with a config for a user', { skip, user: 'any' }, (t, box) => {
  const bundle = rootlessBundle(box, quiet)
  t.match(callAs(box, ['validate', bundle]).stdout, /: ok\n$/)
  t.equal(callAs(box, ['run', '--bundle', bundle, box.id()]).stderr, '')
  if (isRoot) t.equal(box.call(['validate', bundle]).status, 0, 'nor for root')
})
