/*
 * config.md, "Mounts": a bind mount whose source is below an earlier mount of the same config, by its path on the host. Because of the
 * order of the entries it shows that mount's content, whichever side clones it.
 */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configure, fresh } from '../../harness/attack.ts'
import { type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { probing, readReport } from '../../harness/probe.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const mapping = (hostID: number): Json => [{ containerID: 0, hostID, size: 1000 }]
const types = ['pid', 'network', 'ipc', 'uts', 'mount']
const range = [{ containerID: 0, hostID: 0, size: 65536 }]
const userNamespace: Patch = {
  namespaces: [...types, 'user'].map((type) => ({ type })),
  uidMappings: range,
  gidMappings: range,
}
interface Way {
  readonly mount?: Patch
  readonly linux?: Patch
}
const ways: Readonly<Record<string, Way>> = {
  'on the host': {},
  'in a user namespace': { linux: userNamespace },
  'id-mapped': { mount: { uidMappings: mapping(2000), gidMappings: mapping(3000) } },
  'as a peer': { linux: { rootfsPropagation: 'shared' } },
}

/**
 * The source is below the root file system: `data` is a volume, `fs` a tmpfs. The root file system has other files at
 * these paths.
 */
function run(box: Box, topic: string, way: Way, path: string, options: readonly string[] = ['rbind']): Result {
  const volume = join(box.dir, `volume-${box.id()}`)
  mkdirSync(join(volume, 'sub'), { recursive: true })
  writeFileSync(join(volume, 'sub/file'), 'of the volume')
  chownSync(join(volume, 'sub/file'), 5, 6)
  const bundle = fresh(box)
  mkdirSync(join(bundle.rootfs, 'data/sub'), { recursive: true })
  mkdirSync(join(bundle.rootfs, 'fs'))
  writeFileSync(join(bundle.rootfs, 'data/sub/file'), 'of the root file system')
  const mounts = [
    ...mountsWithout('/dev/mqueue', '/sys/fs/cgroup'),
    { destination: '/data', type: 'bind', source: volume, options: ['rbind'] },
    { destination: '/fs', type: 'tmpfs', source: 'tmpfs', options: ['mode=711'] },
    { destination: '/copy', type: 'bind', source: path.replace('ROOT', bundle.rootfs), options, ...way.mount },
  ]
  configure(bundle, probing([topic], { root: { readonly: false }, mounts, ...(way.linux && { linux: way.linux }) }))
  return box.call(['run', '--bundle', bundle.dir, box.id()])
}

for (const [name, way] of Object.entries(ways)) {
  const peers = {
    runc: '1.1 has no id-mapped mounts, and does not see it in a user namespace',
    crun: '1.8 sees it only where init clones it',
  }
  scenario(`a source below an earlier mount, ${name}`, { peers }, (t, box) => {
    for (const [path, topic, text, ...options] of [
      ['ROOT/data/sub', 'file:/copy/file', 'of the volume', 'rbind'],
      ['ROOT/data', 'file:/copy/sub/file', 'of the volume', 'bind', 'ro'],
      ['ROOT//./data/sub/', 'file:/copy/file', 'of the volume', 'rbind'],
      ['rootfs/data/sub/file', 'file:/copy', 'of the volume', 'rbind'],
    ] as const) {
      const result = run(box, topic, way, path, options)
      t.equal(result.status, 0, `${path}: ${result.stderr}`)
      t.equal(readReport(result).text(topic), text, path)
    }
    const missing = run(box, 'dir:/copy', way, 'ROOT/data/none')
    t.equal(missing.status, 1)
    t.match(missing.stderr, /mounts\[7\] \(.*\/data\/none at \/copy\): open_tree: ENOENT/)
  })
  scenario(`a source on an earlier tmpfs, ${name}`, { peers }, (t, box) => {
    const result = run(box, 'stat:/copy', way, 'ROOT/fs')
    t.match(readReport(result).text('stat:/copy'), /^dir 0?711/, result.stderr)
  })
}

scenario('the owners of an id-mapped source below an earlier mount', {}, (t, box) => {
  const result = run(box, 'stat:/copy/file', ways['id-mapped'] ?? {}, 'ROOT/data/sub')
  t.match(readReport(result).text('stat:/copy/file'), / 2005:3006/, result.stderr)
})

scenario('a source next to an earlier mount comes from the root file system', {}, (t, box) => {
  for (const way of Object.values(ways)) {
    const result = run(box, 'file:/copy/passwd', way, 'ROOT/etc')
    t.match(readReport(result).text('file:/copy/passwd'), /^root:/)
  }
})
