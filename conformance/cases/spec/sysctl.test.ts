/*
 * linux.sysctl (config-linux.md, "Sysctl") if no procfs can be mounted, and together with hostname and domainname.
 * ../default-config.test.ts has the simple cases.
 */
import { chownSync, readFileSync } from 'node:fs'
import type { Json, Patch } from '../../harness/bundle.ts'
import { mountsWithout } from '../../harness/bundle.ts'
import { probeBundle, probing, runProbe } from '../../harness/probe.ts'
import { scenario } from '../../harness/scenario.ts'

const FIRST = 100_000
const range: Json = { containerID: 0, hostID: FIRST, size: 65536 }
const hostProc: Json = { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }

/** A user namespace with the host's pid namespace, as with `podman run --userns=… --pid=host`. */
const shared = (sysctl: Readonly<Record<string, string>>, process: Patch = {}): Patch => ({
  process,
  mounts: [hostProc, ...mountsWithout('/proc')],
  linux: {
    namespaces: ['network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: [range],
    gidMappings: [range],
    sysctl,
  },
})
const file = (name: string): string => `file:/proc/sys/${name.replaceAll('.', '/')}`

scenario('in a user namespace with the host’s pid namespace', {}, (t, box) => {
  const sysctl = { 'net.ipv4.ping_group_range': '0\t7', 'kernel.shmmni': '321', 'kernel.domainname': 'inside' }
  const before = Object.keys(sysctl).map((name) => readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'))
  const topics = [...Object.keys(sysctl).map(file), 'file:/proc/self/oom_score_adj']
  const bundle = box.bundle(probing(topics, shared(sysctl, { oomScoreAdj: 7 })))
  chownSync(bundle.rootfs, FIRST, FIRST)
  const inside = probeBundle(t, box, bundle)
  for (const [name, value] of Object.entries(sysctl)) t.equal(inside.text(file(name)), value)
  t.equal(inside.text('file:/proc/self/oom_score_adj'), '7')
  const after = Object.keys(sysctl).map((name) => readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'))
  t.same(after, before, 'the host’s are as they were')
})

scenario('there, a wrong name or value is an error of the property', {}, (t, box) => {
  for (const [sysctl, message] of [
    [{ 'net.ipv4.no_such': '1' }, /linux\.sysctl\.net\.ipv4\.no_such: .*ENOENT/],
    [{ 'net.ipv4.ping_group_range': 'x' }, /linux\.sysctl\.net\.ipv4\.ping_group_range: .*EINVAL/],
  ] as const) {
    const bundle = box.bundle(shared(sysctl), { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1)
    t.match(result.stderr, message)
  }
})

scenario('kernel.hostname and kernel.domainname with the values of the config are accepted', {}, (t, box) => {
  const inside = runProbe(t, box, [file('kernel.hostname'), file('kernel.domainname')], {
    hostname: 'here',
    domainname: 'example.org',
    linux: { sysctl: { 'kernel.hostname': 'here', 'kernel.domainname': 'example.org' } },
  })
  t.equal(inside.text(file('kernel.hostname')), 'here')
  t.equal(inside.text(file('kernel.domainname')), 'example.org')
})

scenario('kernel.hostname and kernel.domainname with other values are refused', {}, (t, box) => {
  for (const [sysctl, message] of [
    [{ 'kernel.hostname': 'there' }, /linux\.sysctl\["kernel\.hostname"\]: set hostname instead/],
    [{ 'kernel.domainname': 'there' }, /linux\.sysctl\["kernel\.domainname"\]: clashes with domainname, "here"/],
  ] as const) {
    const patch = { hostname: 'here', domainname: 'here', linux: { sysctl } }
    const bundle = box.bundle(patch, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1)
    t.match(result.stderr, message)
  }
})
