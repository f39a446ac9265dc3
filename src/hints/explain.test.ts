import t from 'tap'
import { parseConfig } from '../config/parse-config.ts'
import { native } from '../entry/node.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { explainer } from './explain.ts'

const plan: LaunchPlan = { slots: ['sync'], runtimeSteps: [], containerSteps: [] }
const configWith = (linux: object, process = {}) =>
  parseConfig(
    JSON.stringify({
      ociVersion: '1.0.2',
      root: { path: '/' },
      process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh'], ...process },
      linux,
    }),
    'config.json',
    undefined,
  ).config

const hint = (step: Step, code: string, config = configWith({}), detail = ''): string | undefined =>
  explainer({ native, plan, config, root: { path: '/', mounts: 'planned' } })(step, {
    list: 'containerSteps',
    step: 0,
    syscall: 'call',
    errno: 1,
    code,
    detail,
  })

const user = {
  namespaces: [{ type: 'user' }],
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
}
const proc: Step = { op: 'fsconfig', from: 'mounts[0] (proc at /proc)', fs: 1, command: 6 }

t.test('the most specific entry counts: property, type of the mount, operation', async (t) => {
  t.equal(hint(proc, 'EPERM', configWith(user)), 'in a user namespace it needs a new pid namespace, too')
  t.equal(hint(proc, 'EPERM'), undefined, 'there is no user namespace')
  t.equal(hint({ ...proc, from: 'mounts[0] (tmpfs at /x)' }, 'EPERM', configWith(user)), undefined)
  t.match(
    hint({ op: 'setsid', from: 'process' }, 'EMFILE'),
    /^the limit of open files of the runtime is too low: RLIMIT_NOFILE is \d+/,
  )
})

t.test('ids that are not mapped, by the config', async (t) => {
  const step: Step = { op: 'setresuid', from: 'process.user.uid', uid: 5 }
  const joined = { ...user, namespaces: [{ type: 'user', path: '/proc/1/ns/user' }] }
  const outside = configWith(joined, { user: { uid: 5, gid: 0 } })
  t.equal(
    hint(step, 'EINVAL', outside),
    'the id is not mapped in the user namespace: process.user.uid is 5; add it to linux.uidMappings',
  )
  t.equal(hint(step, 'EINVAL', configWith(user)), undefined, 'uid 0 is mapped')
  t.equal(hint(step, 'EINVAL'), undefined, 'there are no mappings')
})

t.test('a file system that the kernel does not support', async (t) => {
  const open = (fstype: string): Step => ({ op: 'fsopen', from: 'mounts[0] (x at /x)', fstype, into: 1 })
  t.match(
    hint(open('tmpsf'), 'ENODEV'),
    /^the kernel has no file system "tmpsf" \(\/proc\/filesystems\): the most similar is tmpfs$/,
  )
  t.match(hint(open('ceph-of-mine'), 'ENODEV'), /load its module, or correct the type$/)
  t.equal(hint(open('tmpfs'), 'ENODEV'), undefined, 'it has tmpfs')
})

t.test('a missing fact gives no hint', async (t) => {
  const execve: Step = { op: 'execve', from: 'process.args[0] (/a)', args: ['/a'], env: [] }
  for (const code of ['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC', 'EIO']) t.equal(hint(execve, code), undefined, code)
  t.equal(
    hint({ op: 'prlimit', from: 'process.rlimits[0] (X)', resource: 99, soft: 1n, hard: 1n } as Step, 'EPERM'),
    undefined,
  )
  t.equal(
    explainer({ native, plan })(execve, {
      list: 'containerSteps',
      step: 0,
      syscall: 'x',
      errno: 1,
      code: 'ENOENT',
      detail: '',
    }),
    undefined,
  )
})

t.test('a hint is one line, and an error while making one is ignored', async (t) => {
  const broken = new Proxy(native, {
    get: () => {
      throw new Error('broken')
    },
  })
  const explain = explainer({ native: broken, plan, config: configWith(user) })
  const report = { list: 'containerSteps', step: 0, syscall: 'x', errno: 1, code: 'ENOSPC', detail: '' } as const
  t.doesNotThrow(() => explain({ op: 'unshare', from: 'linux.namespaces', flags: 0x10000000 }, report))
})
