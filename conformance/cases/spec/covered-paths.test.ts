/*
 * config-linux.md, "Masked Paths" and "Readonly Paths", for paths through links, in unusual spellings, or on another mount of the config:
 * the file that the container reaches by the path is covered. Compared with runc and crun by their mountinfo.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Bundle, mountsWith, type Patch } from '../../harness/bundle.ts'
import { peerCall } from '../../harness/peers.ts'
import { parseMount } from '../../harness/probe.ts'
import { type Box, type CallOptions, type Result, scenario } from '../../harness/scenario.ts'

type Kind = 'maskedPaths' | 'readonlyPaths'
const kinds: readonly Kind[] = ['maskedPaths', 'readonlyPaths']

const links: Readonly<Record<string, string>> = {
  'var/run': '/run',
  absolute: '/etc/secret',
  relative: '../../../etc/secret',
  dangling: '/not/there',
  loop: 'loop',
  magic: '/proc/self/root/etc',
  'to-proc': '/proc',
}

/** With a directory /run/x, files in it and in /etc, and links to them. */
function linkedBundle(box: Box, patch: Patch): Bundle {
  const bundle = box.bundle(patch, { name: `b-${box.id()}` })
  mkdirSync(join(bundle.rootfs, 'run/x'), { recursive: true })
  for (const name of ['run/x/file', 'etc/secret']) writeFileSync(join(bundle.rootfs, name), 'secret\n')
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(bundle.rootfs, name))
  return bundle
}

const script = (command: string): Patch => ({ args: ['/bin/sh', '-c', command] })

function run(box: Box, command: string, patch: Patch, call: CallOptions = {}): Result {
  const { linux } = patch
  const bundle = linkedBundle(box, { ...patch, linux, process: script(command), root: { readonly: false } })
  return box.call(['run', '--bundle', bundle.dir, box.id()], call)
}

const covering = (kind: Kind, ...paths: readonly string[]): Patch => ({
  linux: { maskedPaths: [], readonlyPaths: [], [kind]: paths },
})

/** The mount points that only exist because of the path; `refused` if the container is refused. */
function covered(box: Box, kind: Kind, path: string, call: CallOptions = {}): readonly string[] | string {
  const { status, stdout } = run(box, 'cat /proc/1/mountinfo', covering(kind, path), call)
  if (status !== 0) return 'refused'
  const targets = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => parseMount(line).target)
  const usual = targets.filter((target) => /^\/(dev|sys|proc$|$)/.test(target) && !target.startsWith('/sys/devices'))
  return targets.filter((target) => !usual.includes(target)).sort()
}

/** The expected mount points of each path. */
const cases: Readonly<Record<string, readonly string[] | 'refused'>> = {
  '/var/run/x': ['/run/x'],
  '/var/run/x/file': ['/run/x/file'],
  '/var/run/../etc/secret': ['/etc/secret'],
  '/absolute': ['/etc/secret'],
  '/relative': ['/etc/secret'],
  '/dangling': [],
  '/dangling/below': [],
  '/missing': [],
  '/loop': 'refused',
  '/etc/secret/below': 'refused',
  '//run//x': ['/run/x'],
  '/run/./x/': ['/run/x'],
  '/proc/net': ['/proc/1/net'],
  '/proc/mounts': ['/proc/1/mounts'],
  '//proc/./uptime': ['/proc/uptime'],
  '/proc/../proc/uptime': ['/proc/uptime'],
  '/to-proc/uptime': ['/proc/uptime'],
  '/sys/class/net/lo': ['/sys/devices/virtual/net/lo'],
}

for (const kind of kinds) {
  scenario(`${kind}: links are followed inside the root, and what is missing is skipped`, {}, (t, box) => {
    for (const [path, where] of Object.entries(cases)) t.same(covered(box, kind, path), where, path)
  })
  for (const name of ['runc', 'crun'] as const) {
    const call = peerCall(name)
    const peers = { runc: 'it is what is compared with', crun: 'it is what is compared with' }
    scenario(`${kind}: as ${name}`, { skip: call === undefined ? `no ${name}` : false, peers }, (t, box) => {
      for (const [path, where] of Object.entries(cases)) t.same(covered(box, kind, path, call), where, path)
    })
  }
  scenario(`${kind}: a magic link, a loop and a path below a file are errors`, {}, (t, box) => {
    for (const [path, reason] of [
      ['/magic/secret', 'openat2: ELOOP .*; the path has a loop of links, or a magic link of procfs'],
      ['/loop', 'openat2: ELOOP .*; the path has a loop of links, or a magic link of procfs'],
      ['/etc/secret/x', 'openat2: ENOTDIR'],
    ] as const) {
      const { status, stderr } = run(box, 'true', covering(kind, path))
      t.equal(status, 1, path)
      t.match(stderr, new RegExp(`linux\\.${kind} \\(${path}\\): ${reason}`))
    }
  })
}

/** Prints the content of a path, or that it cannot be read or written. */
function prints(t: Test, box: Box, command: string, text: string, patch: Patch): void {
  const { status, stdout, stderr } = run(box, command, patch)
  t.equal(stdout.trim(), text, `${JSON.stringify(patch.linux)}: ${status} ${stderr}`)
}

scenario('masked paths are empty and read-only paths are read-only, also behind links', {}, (t, box) => {
  prints(t, box, 'cat /etc/secret; ls /run/x', '', covering('maskedPaths', '/absolute', '/var/run/x'))
  const write = 'echo new > /etc/secret; echo new > /run/x/file; cat /etc/secret /run/x/file'
  prints(t, box, write, 'secret\nsecret', covering('readonlyPaths', '/absolute', '/var/run/x'))
})

scenario('a path on another mount of the config, and a mount itself', {}, (t, box) => {
  const volume = join(box.dir, 'volume')
  mkdirSync(join(volume, 'sub'), { recursive: true })
  for (const name of ['file', 'sub/file']) writeFileSync(join(volume, name), `${name}\n`)
  symlinkSync('sub', join(volume, 'link'))
  symlinkSync('/run/x', join(volume, 'out'))
  const bind = (destination: string, source = volume) => ({ destination, type: 'bind', source, options: ['rbind'] })
  const tmpfs = { destination: '/tmpfs', type: 'tmpfs', source: 'tmpfs', options: ['ro'] }
  const mounts = mountsWith(
    bind('/a'),
    bind('/one', join(volume, 'file')),
    tmpfs,
    bind('/tmpfs/b'),
    bind('/tmpfs/b/sub'),
  )
  for (const [path, command, text] of [
    ['/a/file', 'cat /a/file /a/sub/file', 'sub/file'],
    ['/a/link/file', 'cat /a/sub/file /a/file', 'file'],
    ['/a/out', 'ls /run/x /a/out/; cat /a/file', '/a/out/:\n\n/run/x:\nfile'],
    ['/a', 'ls /a; cat /tmpfs/b/file', 'file'],
    ['/one', 'cat /one; cat /a/file', 'file'],
    ['/tmpfs/b/file', 'cat /tmpfs/b/file /tmpfs/b/sub/file', 'file'],
    ['/tmpfs/b/sub/file', 'cat /tmpfs/b/sub/file /tmpfs/b/sub/sub/file', 'sub/file'],
    ['/tmpfs', 'ls /tmpfs; cat /a/file', 'file'],
  ] as const) {
    prints(t, box, command, text, { mounts, linux: { maskedPaths: [path], readonlyPaths: [] } })
  }
  const write = 'echo 1 > /a/file || echo 2 > /a/sub/file && cat /a/file /a/sub/file'
  prints(t, box, write, 'file\n2', { mounts, linux: { readonlyPaths: ['/a/file'] } })
})

scenario('a read-only path above a masked one keeps the mask', {}, (t, box) => {
  for (const path of ['/proc', '/', '/to-proc']) {
    const linux = { maskedPaths: ['/proc/keys', '/run/x'], readonlyPaths: [path] }
    prints(t, box, 'cat /proc/keys; ls /run/x', '', { linux })
  }
})
