/*
 * features.md and features-linux.md: the runtime MUST recognize everything that the structure lists. So each list is used in configs that
 * are run; only this machine's kernel may refuse an entry. ../commands/features.test.ts tests the structure itself.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, Patch } from '../../harness/bundle.ts'
import { mountsWith } from '../../harness/bundle.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

interface Features {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks: readonly string[]
  readonly mountOptions: readonly string[]
  readonly linux: {
    readonly namespaces: readonly string[]
    readonly capabilities: readonly string[]
    readonly seccomp: Readonly<
      Record<'actions' | 'operators' | 'archs' | 'knownFlags' | 'supportedFlags', readonly string[]>
    >
    readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] }
  }
}

const peers = { runc: '1.1 lists less', crun: '1.8 has no features' }
const featuresOf = (box: Box): Features => JSON.parse(box.call(['features']).stdout)

function run(box: Box, patch: Patch): Result {
  const bundle = box.bundle(patch, { name: box.id() })
  // runt only prints warnings to a container's standard error on request.
  return box.call([...(isRunt ? ['--debug'] : []), 'run', '--bundle', bundle.dir, box.id()])
}

scenario('MUST accept ociVersionMin and ociVersionMax', { peers }, (t, box) => {
  const { ociVersionMin, ociVersionMax } = featuresOf(box)
  for (const ociVersion of [ociVersionMin, ociVersionMax]) t.equal(run(box, { ociVersion }).status, 0, ociVersion)
})

scenario('MUST support the hooks', { peers }, (t, box) => {
  const hooks = Object.fromEntries(featuresOf(box).hooks.map((kind) => [kind, [{ path: '/bin/true' }]]))
  t.equal(run(box, { hooks }).status, 0)
  t.equal(Object.keys(hooks).length, 6)
})

scenario('MUST recognize the mount options', { peers }, (t, box) => {
  const mapping = [{ containerID: 0, hostID: 0, size: 1000 }]
  // Not the scratch directory itself, which contains the root file system: if it were shared, each mount would
  // propagate to all the others.
  const source = join(box.dir, 'source')
  mkdirSync(source)
  const mounts = featuresOf(box).mountOptions.map((option): Json => {
    if (option === 'remount') return { destination: '/dev/shm', options: [option] }
    if (option === 'tmpcopyup') return { destination: '/run/t', type: 'tmpfs', source: 'tmpfs', options: [option] }
    const mapped = option.endsWith('idmap') && { uidMappings: mapping, gidMappings: mapping }
    return { destination: `/run/${option}`, type: 'bind', source, options: ['rbind', option], ...mapped }
  })
  const result = run(box, { mounts: mountsWith(...mounts) })
  t.equal(result.status, 0, result.stderr)
  t.notMatch(result.stderr, /level=warning/, 'no warning either')
})

scenario('MUST recognize the namespaces', { peers }, (t, box) => {
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const namespaces = featuresOf(box).linux.namespaces.map((type) => ({ type }))
  t.equal(namespaces.length, 8)
  const result = run(box, { linux: { namespaces, uidMappings: mapping, gidMappings: mapping } })
  t.equal(result.status, 0, result.stderr)
})

scenario('MUST recognize the capabilities; unknown and unavailable ones cause a warning', { peers }, (t, box) => {
  const all = featuresOf(box).linux.capabilities
  const sets = { bounding: all, effective: all, permitted: all }
  const known = run(box, { process: { capabilities: sets } })
  t.equal(known.status, 0, known.stderr)
  t.notMatch(known.stderr, /unknown/)
  const unknown = run(box, { process: { capabilities: { bounding: [...all, 'CAP_NO_SUCH'] } } })
  t.equal(unknown.status, 0, 'SHOULD NOT fail')
  t.match(unknown.stderr, /level=warning.*CAP_NO_SUCH/)
})

scenario(
  'MUST recognize actions, operators and architectures of seccomp, and support its flags',
  { peers },
  (t, box) => {
    const { actions, operators, archs, supportedFlags, knownFlags } = featuresOf(box).linux.seccomp
    const calls = [
      'acct',
      'swapon',
      'swapoff',
      'quotactl',
      'reboot',
      'kexec_load',
      'init_module',
      'delete_module',
      'iopl',
    ]
    // Notifications need an agent: seccomp-listener.test.ts.
    const rules = actions
      .filter((action) => action !== 'SCMP_ACT_NOTIFY')
      .map((action, index): Json => ({ names: [calls[index] ?? ''], action }))
    const args = operators.map(
      (op, index): Json => ({
        names: ['personality'],
        action: 'SCMP_ACT_ERRNO',
        args: [{ index: 1, value: index + 1000, valueTwo: index + 1000, op }],
      }),
    )
    t.ok(rules.length >= 8 && args.length === 7 && archs.length > 10)
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [...rules, ...args] }
    const result = run(box, { linux: { seccomp: profile } })
    t.equal(result.status, 0, result.stderr)
    t.same(
      knownFlags.filter((flag) => !supportedFlags.includes(flag)),
      [],
    )
    for (const flag of supportedFlags) {
      if (flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') continue // only with a listener
      const flagged = run(box, { linux: { seccomp: { ...profile, flags: [flag] } } })
      t.equal(flagged.status, 0, `${flag} ${flagged.stderr}`)
    }
  },
)

scenario('MUST recognize the modes and flags of memory policies', { peers }, (t, box) => {
  const { modes, flags } = featuresOf(box).linux.memoryPolicy
  const withoutNodes = ['MPOL_DEFAULT', 'MPOL_LOCAL']
  const policies: Patch[] = [
    ...modes.map((mode) => (withoutNodes.includes(mode) ? { mode } : { mode, nodes: '0' })),
    ...flags.map((flag) => ({ mode: 'MPOL_BIND', nodes: '0', flags: [flag] })),
  ]
  for (const memoryPolicy of policies) {
    const { status, stderr } = run(box, { linux: { memoryPolicy } })
    t.ok(
      status === 0 || /linux\.memoryPolicy: set_mempolicy: /.test(stderr),
      `${JSON.stringify(memoryPolicy)} ${stderr}`,
    )
  }
})
