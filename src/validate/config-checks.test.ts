import t from 'tap'
import { parseConfig } from '../config/parse-config.ts'
import { formatProblem, type Problem } from '../errors.ts'
import { configChecks, textChecks } from './tables.ts'

/** Problems, and warnings with an exclamation mark before them. */
function found(more: object): string[] {
  const list: Problem[] = []
  const { config } = parseConfig(JSON.stringify({ ociVersion: '1.0.2', root: { path: '/' }, ...more }), '')
  const add = (mark: string) => (path: string, message: string, suggestion?: string) =>
    void list.push({ path: mark + path, message, ...(suggestion !== undefined && { suggestion }) })
  for (const [, check] of [...configChecks, ...textChecks]) check({ config, report: add(''), warn: add('!') })
  return list.map(formatProblem)
}

t.test('values that every kernel refuses', async (t) => {
  const resources = {
    cpu: { quota: 999, period: 1000001, cpus: '0-', mems: 'x' },
    pids: { limit: 4194305 },
    memory: { limit: 131072 },
  }
  t.same(found({ linux: { resources } }), [
    'linux.resources.cpu.quota: must be at least 1000 µs, not 999',
    'linux.resources.cpu.period: must be from 1000 to 1000000 µs, not 1000001',
    'linux.resources.pids.limit: must be at most 4194304, not 4194305',
    'linux.resources.memory.limit: 131072 bytes are too few for any process',
    'linux.resources.cpu.cpus: must be a list such as 0-3,7, not "0-"',
    'linux.resources.cpu.mems: must be a list such as 0-3,7, not "x"',
  ])
  for (const cpus of ['0', '0-3', '0-3,7', '0-10:1/2', '0-N', 'all', '0, 1', '0,'])
    t.same(found({ linux: { resources: { cpu: { cpus, quota: -1, period: 0 }, pids: { limit: -1 } } } }), [], cpus)
})

t.test('options of mounts', async (t) => {
  const mount = (type: string, ...options: string[]) =>
    found({ mounts: [{ destination: '/x', source: 's', type, options }] })
  t.same(mount('tmpfs', 'size=1m', 'mode=755,uid=0', 'context="a,b"', 'ro', 'rprivate', 'lazytime'), [])
  t.same(mount('tmpfs', 'ro', 'sise=1m'), [
    '!mounts[0].options[1]: "sise=1m" is no known option of tmpfs; did you mean size?',
  ])
  t.same(mount('overlay', 'lowerdir=/a\\,b:/c', 'upperdirr=/u'), [
    '!mounts[0].options[1]: "upperdirr=/u" is no known option of overlay; did you mean upperdir?',
  ])
  t.same(mount('ext4', 'anything=5', 'constructor'), [], 'of other types nothing is known')
  t.same(mount('bind', 'rbind', 'nosuidd', 'sync'), [
    '!mounts[0].options[1]: "nosuidd" is ignored for a bind mount; did you mean nosuid?',
  ])
})

t.test('file systems of a namespace that the container shares with the host', async (t) => {
  const mappings = [{ containerID: 0, hostID: 1000, size: 1 }]
  const linux = (...types: string[]) => ({
    namespaces: ['mount', 'user', ...types].map((type) => ({ type })),
    uidMappings: mappings,
    gidMappings: mappings,
  })
  const mounts = ['proc', 'sysfs', 'mqueue'].map((type) => ({ destination: `/${type}`, type, source: type }))
  t.same(found({ mounts, linux: linux('pid', 'network', 'ipc') }), [])
  t.same(found({ mounts, linux: { namespaces: [{ type: 'mount' }] } }), [], 'not in a user namespace')
  t.same(found({ mounts, linux: linux('pid') }), [
    'mounts[1].type: sysfs in a user namespace needs a new network namespace, too',
    'mounts[2].type: mqueue in a user namespace needs a new ipc namespace, too',
  ])
})

t.test('offsets that the kernel takes', async (t) => {
  const offsets = (secs: number) => ({
    linux: { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { secs, nanosecs: 0 } } },
  })
  t.same(found(offsets(4611686018)), [])
  t.same(found(offsets(4611686019)), ['linux.timeOffsets.boottime.secs: must be at most 4611686018, not 4611686019'])
})
