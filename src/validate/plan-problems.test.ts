import t from 'tap'
import { parseConfig } from '../config/parse-config.ts'
import { formatProblem } from '../errors.ts'
import { hybridHost } from '../plan/fixtures/hosts.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { anyHost, anyOptions, planProblems } from './plan-problems.ts'

const configOf = (more: object) =>
  parseConfig(
    JSON.stringify({
      ociVersion: '1.0.2',
      root: { path: 'rootfs' },
      process: { cwd: '/', args: ['sh'], user: { uid: 0, gid: 0 } },
      linux: { namespaces: [{ type: 'mount' }] },
      ...more,
    }),
    '',
  ).config

const facts = { ...hostFacts(hybridHost), apparmor: false, selinux: false }
const options = { ...anyOptions('web', '/bundle'), withoutCgroups: false }

t.test('all that planning refuses is found', async (t) => {
  const config = configOf({
    process: {
      cwd: '/',
      args: ['sh'],
      user: { uid: 0, gid: 0 },
      selinuxLabel: 'a:b:c:d',
      apparmorProfile: 'x',
    },
    mounts: [
      { destination: '/a', type: 'tmpfs', options: ['copy-symlink'] },
      { destination: '/b', type: 'tmpfs' },
      { destination: '/c', type: 'tmpfs', options: ['src-nofollow'] },
    ],
    linux: {
      namespaces: [{ type: 'mount' }],
      resources: { unified: { 'memory.high': '5' } },
      intelRdt: { closID: 'x' },
    },
  })
  const { planned, problems } = planProblems(config, facts, options)
  t.equal(planned, undefined)
  const reasons = problems.map((problem) => formatProblem(problem).split(';')[0])
  t.same(reasons.sort(), [
    'linux.intelRdt: no resctrl file system is mounted',
    'linux.resources.unified: invalid configuration: cannot use unified on cgroup v1',
    'mounts[0].options[0]: copy-symlink is for bind mounts only',
    'mounts[2].options[0]: src-nofollow is for bind mounts only',
    'process.apparmorProfile: AppArmor is not enabled on this host',
    'process.selinuxLabel: SELinux is not enabled on this host',
  ])
})

t.test('warnings have a property', async (t) => {
  const mount = { destination: '/a', type: 'bind', source: '/x', options: ['rbind', 'size=1m'] }
  const { planned, problems, warnings } = planProblems(configOf({ mounts: [mount] }), facts, options)
  t.ok(planned)
  t.same(problems, [])
  t.same(warnings, [{ path: 'mounts[0]', message: 'ignored for a bind mount: size=1m' }])
})

t.test('what cannot be left out ends the search', async (t) => {
  const { problems } = planProblems(configOf({ process: undefined }), facts, options)
  t.same(problems.map(formatProblem), ['process: is required for run'])
})

t.test('any host has what a config may want', async (t) => {
  const config = configOf({
    process: { cwd: '/', args: ['sh'], user: { uid: 0, gid: 0 }, selinuxLabel: 'a:b:c:d', apparmorProfile: 'x' },
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }],
    linux: { namespaces: [{ type: 'mount' }, { type: 'cgroup' }], resources: { cpu: { shares: 5 } } },
  })
  const { problems } = planProblems(config, anyHost('SCMP_ARCH_X86_64'), anyOptions('x', '/b'))
  t.same(problems, [])
})
