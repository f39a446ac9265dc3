/*
 * config.md, "Mounts": destinations on procfs. Only the files that lxcfs and similar programs replace may be covered, by name or through
 * links of the image, as with runc; all others are refused, with the reason.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configure, fresh, link } from '../../harness/attack.ts'
import { mountsWith } from '../../harness/bundle.ts'
import { peerCall } from '../../harness/peers.ts'
import { type Box, type CallOptions, type Result, scenario } from '../../harness/scenario.ts'

const links: Readonly<Record<string, string>> = { 'to-proc': '/proc', 'to-net': '/proc/net', 'to-self': '/proc/self' }

/** Bind-mounts a file there, or a directory if the destination is one. */
function run(box: Box, destination: string, kind: 'file' | 'directory', call: CallOptions = {}): Result {
  const [file, directory] = [join(box.dir, 'source'), join(box.dir, 'sources')]
  mkdirSync(directory, { recursive: true })
  writeFileSync(file, 'bound\n')
  const bundle = fresh(box)
  for (const [name, target] of Object.entries(links)) link(bundle, name, target)
  const source = kind === 'file' ? file : directory
  const mounts = mountsWith({ destination, type: 'bind', source, options: ['bind'] })
  configure(bundle, { process: { args: ['cat', destination] }, mounts })
  return box.call(['run', '--bundle', bundle.dir, box.id()], call)
}

const replaceable = 'cpuinfo diskstats loadavg meminfo stat swaps uptime'.split(' ').map((name) => `/proc/${name}`)
const byName = /mounts\[7\]\.destination: "[^"]*" cannot be mounted on: it is inside \/proc$/m
const byLink = /mounts\[7\] \(.*\): openat2: ELOOP .*: a link leads into procfs, on which only procfs may be mounted; /
const refused: readonly (readonly [string, 'file' | 'directory', RegExp])[] = [
  ['/proc/net/dev', 'file', byName],
  ['/proc/self/net/dev', 'file', byName],
  ['/proc/net', 'directory', byName],
  ['/proc/net/tcp', 'file', byName],
  ['/proc/version', 'file', byName],
  ['/proc/mounts', 'file', byName],
  ['/proc/self', 'directory', byName],
  ['/proc/self/status', 'file', byName],
  ['/to-proc', 'directory', byLink],
  ['/to-proc/version', 'file', byLink],
  ['/to-proc/net/dev', 'file', byLink],
  ['/to-net', 'directory', byLink],
  ['/to-net/dev', 'file', byLink],
  ['/to-self', 'directory', byLink],
  ['/to-self/comm', 'file', byLink],
]

scenario('the allowed files of /proc can be replaced', {}, (t, box) => {
  for (const path of replaceable) t.equal(run(box, path, 'file').stdout, 'bound\n', path)
})

scenario(
  'mounts over other files of procfs are refused',
  { peers: { crun: 'mounts it, in part without effect' } },
  (t, box) => {
    for (const [path, kind, reason] of refused) {
      const { status, stdout, stderr } = run(box, path, kind)
      t.equal(status, 1, path)
      t.equal(stdout, '')
      t.match(stderr, reason)
    }
  },
)

const runc = peerCall('runc')
const peers = { runc: 'it is what is compared with', crun: 'mounts it' }
scenario('as runc', { skip: runc === undefined ? 'no runc' : false, peers }, (t, box) => {
  for (const path of replaceable) t.equal(run(box, path, 'file', runc).stdout, 'bound\n', path)
  for (const [path, kind] of refused) {
    const { status, stderr } = run(box, path, kind, runc)
    t.equal(status, 1, path)
    t.match(stderr, /cannot be mounted because it is inside \/proc|cannot be mounted/)
  }
})
