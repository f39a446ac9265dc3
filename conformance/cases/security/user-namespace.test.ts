/*
 * Containers with a user namespace: the runtime makes their bind mounts and device nodes by cloning the host's mounts, and
 * their init forks. Root of such a container may mount, but its mounts must not propagate to the host.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, mountsWith, type Patch } from '../../harness/bundle.ts'
import { needsCommand } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const FIRST_ID = 100_000

/** The default config with a user namespace whose root may mount. */
function mapped(args: readonly string[], rest: Patch = {}): Patch {
  const caps = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']
  const mappings = [{ containerID: 0, hostID: FIRST_ID, size: 65536 }]
  return {
    process: { args, capabilities: { bounding: caps, effective: caps, permitted: caps } },
    root: { path: 'rootfs', readonly: false },
    linux: {
      namespaces: [...defaultConfig.linux.namespaces, { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    },
    ...rest,
  }
}

scenario(
  'mounts of the container over a bind mount or device do not appear on the host',
  { skip: needsCommand('unshare') },
  (t, box) => {
    const volume = join(box.dir, 'volume')
    mkdirSync(join(volume, 'below'), { recursive: true })
    const script =
      'mount -t tmpfs evil /v/below; mount --bind /etc/passwd /dev/null; grep -c -E "evil|etc/passwd" /proc/self/mountinfo'
    const bundle = box.bundle(
      mapped(['sh', '-c', script], {
        mounts: mountsWith({ destination: '/v', type: 'bind', source: volume, options: ['rbind'] }),
      }),
    )
    mkdirSync(join(bundle.rootfs, 'v'))
    // As on a host with systemd: every mount is shared. Mounts seen here must disappear with this namespace.
    const seen = join(box.dir, 'mountinfo')
    const host = `mount --make-rshared / && "$@"; status=$?; cat /proc/self/mountinfo >${seen}; exit $status`
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], {
      wrap: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', host, 'sh'],
    })
    t.equal(result.stdout.trim(), '2', `both mounts were made inside: ${result.stderr}`)
    t.notMatch(readFileSync(seen, 'utf8'), /evil|\/dev\/null/)
  },
)

scenario('run of an init that forks records its pid and returns its status', {}, (t, box) => {
  const withTime = { namespaces: [...defaultConfig.linux.namespaces, { type: 'time' }] }
  const patches: readonly Patch[] = [
    mapped(['sh', '-c', 'exit 3']),
    { process: { args: ['sh', '-c', 'exit 3'] }, linux: withTime },
  ]
  patches.forEach((patch, index) => {
    const bundle = box.bundle(patch, { name: `b${index}` })
    const pidFile = join(box.dir, `pid${index}`)
    const result = box.call(['run', '--bundle', bundle.dir, '--pid-file', pidFile, box.id()])
    t.equal(result.status, 3, result.stderr)
    const id = box.id()
    const detached = box.bundle(
      { ...patch, process: { ...(patch.process as Patch), args: ['sleep', '30'] } },
      { name: `d${index}` },
    )
    t.equal(box.call(['run', '--detach', '--bundle', detached.dir, id]).status, 0)
    const state = box.state(id)
    t.equal(state?.status, 'running')
    t.match(readFileSync(`/proc/${state?.pid}/cmdline`, 'utf8'), 'sleep')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  })
})

scenario('time offsets in a user namespace', {}, (t, box) => {
  const patch = mapped(['cat', '/proc/self/timens_offsets'])
  const linux = patch.linux as Patch
  const namespaces = [...defaultConfig.linux.namespaces, { type: 'user' }, { type: 'time' }]
  const offsets = { monotonic: { secs: 86_400, nanosecs: 0 } }
  const bundle = box.bundle({ ...patch, linux: { ...linux, namespaces, timeOffsets: offsets } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.match(result.stdout, /monotonic\s+86400\s+0/, result.stderr)
})
