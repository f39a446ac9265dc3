/*
 * linux.netDevices (config-linux.md, "Network Devices"): the device is in the container with its name, addresses and attributes,
 * up, before the hooks run; a device that cannot be moved is an error.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { needsCommand } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const peers = { runc: '1.1 has no netDevices', crun: '1.8 has no netDevices' }
const skip = needsCommand('ip')
let serial = 0

const ip = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** A veth pair; the container's device is removed with its namespace, and with it the other one. */
function makePair(box: Box): { ours: string; moved: string } {
  const name = `rt${process.pid % 100000}n${++serial}`
  const [ours, moved] = [`${name}a`, `${name}b`]
  ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', moved)
  box.defer(() => spawnSync('ip', ['link', 'del', ours]))
  return { ours, moved }
}

const withDevices = (netDevices: Patch, patch: Patch = {}): Patch => ({ linux: { netDevices }, ...patch })
const script = (text: string): Patch => ({ process: { args: ['sh', '-c', text] } })

scenario('a device is moved with its permanent addresses and is up', { peers, skip }, (t, box) => {
  const { ours, moved } = makePair(box)
  ip('link', 'set', 'dev', moved, 'mtu', '1400')
  ip('link', 'set', 'dev', ours, 'up')
  ip('address', 'add', '10.91.7.1/24', 'dev', moved)
  ip('address', 'add', 'fd91::7/64', 'dev', moved, 'nodad')
  ip('address', 'add', '169.254.91.7/16', 'scope', 'link', 'dev', moved)
  const bundle = box.bundle({
    ...withDevices({ [moved]: {} }),
    ...script(`ip -o address show dev ${moved}; ip link show ${moved}`),
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, /inet 10\.91\.7\.1\/24/)
  t.match(result.stdout, /inet6 fd91::7\/64/)
  t.notMatch(result.stdout, /169\.254\.91\.7/, 'only those with global scope')
  t.match(result.stdout, /mtu 1400/)
  t.match(result.stdout, /[<,]UP[,>]/)
})

scenario('a device gets the name of the config, or one by a pattern', { peers, skip }, (t, box) => {
  const [first, second] = [makePair(box), makePair(box)]
  const devices = withDevices({ [first.moved]: { name: 'eth0' }, [second.moved]: { name: 'net%d' } })
  const inside = runProbe(t, box, ['dir:/sys/class/net'], devices)
  t.same([...inside.lines('dir:/sys/class/net')].sort(), ['eth0', 'lo', 'net0'])
})

scenario('hooks see the device in the container', { peers, skip }, (t, box) => {
  const { moved } = makePair(box)
  const log = join(box.dir, 'log')
  // The state on stdin has the pid of the process whose namespace it is.
  const command = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); grep -o ${moved} /proc/$pid/net/dev >${log}`
  const hook = { path: '/bin/sh', args: ['sh', '-c', command], env: ['PATH=/bin:/usr/bin'] }
  const bundle = box.bundle(withDevices({ [moved]: {} }, { hooks: { createRuntime: [hook] } }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(readFileSync(log, 'utf8'), `${moved}\n`)
})

scenario('a device moves into a namespace that is joined', { peers, skip }, (t, box) => {
  const { moved } = makePair(box)
  const name = `rt${process.pid % 100000}ns`
  ip('netns', 'add', name)
  box.defer(() => spawnSync('ip', ['netns', 'del', name]))
  const namespaces = [
    ...['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    { type: 'network', path: `/run/netns/${name}` },
  ]
  const bundle = box.bundle({ linux: { namespaces, netDevices: { [moved]: { name: 'eth0' } } } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.match(ip('-n', name, 'link', 'show', 'eth0'), /eth0/, 'and stays there after the container')
})

scenario('a device that cannot be moved is an error, and nothing is left', { peers, skip }, (t, box) => {
  const { moved } = makePair(box)
  const cases: readonly (readonly [Patch, RegExp])[] = [
    [withDevices({ nosuchdevice: {} }), /linux\.netDevices\["nosuchdevice"\]: .*ENODEV/],
    [withDevices({ [moved]: { name: 'lo' } }), /linux\.netDevices.*: .*EEXIST/],
    [withDevices({ [moved]: { name: 'a/b' } }), /linux\.netDevices\["[^"]*"\]\.name: "a\/b" cannot be the name/],
    [
      { linux: { netDevices: { [moved]: {} }, namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'uts' }] } },
      /needs a network namespace/,
    ],
  ]
  for (const [index, [patch, message]] of cases.entries()) {
    const bundle = box.bundle(patch, { name: `bad-${index}` })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
  t.match(ip('link', 'show', moved), /state/, 'the device is still here')
})
