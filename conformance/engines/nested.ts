/*
 * An engine in a container of the same engine, the runtime under test below both: Docker-in-Docker and Podman-in-Podman. The outer
 * container has the machine's own programs, so no image has to be fetched.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cgroupRoot } from '../harness/cgroup.ts'
import { either, needsController } from '../harness/requires.ts'
import type { Result } from '../harness/scenario.ts'
import { busyboxArchive, type EngineBox } from './engine.ts'

/** The controllers that the inner containers need. */
export const needsLimits = either(needsController('memory'), needsController('pids'))

/** Where the outer container finds the image that the inner engine imports. */
export const archive = '/given/busybox.tar'

/** Values of --cgroupns: the outer container sees its cgroups by their paths on the machine, or as roots. */
export const cgroupNamespaces = ['host', 'private'] as const

/**
 * Options of the outer container: privileged, with the machine's programs, a copy of the engine's configuration, the image, and a store
 * outside of overlayfs, because an upper layer cannot be on overlayfs.
 */
export function outerOptions(box: EngineBox, names: { readonly etc: string; readonly store: string }): string[] {
  const given = join(box.dir, 'given')
  mkdirSync(given)
  cpSync(busyboxArchive(box), join(given, 'busybox.tar'))
  cpSync(join('/etc', names.etc), join(box.dir, names.etc), { recursive: true })
  const programs = ['/usr', '/bin', '/sbin', '/lib', '/lib64'].filter((dir) => existsSync(dir))
  const volumes = [
    ...programs.map((dir) => `${dir}:${dir}:ro`),
    `${given}:/given:ro`,
    `${join(box.dir, names.etc)}:/etc/${names.etc}`,
    join('/var/lib', names.store),
  ]
  return ['--privileged', '--tmpfs', '/run', ...volumes.flatMap((volume) => ['--volume', volume])]
}

/** A shell script that moves processes out of the root of a v2 cgroup namespace, so that its controllers can be enabled for children. */
export const leaveRoot = `cd /sys/fs/cgroup && if [ -e cgroup.controllers ]; then
  mkdir init; for pid in $(cat cgroup.procs); do echo $pid >init/cgroup.procs; done; fi; cd /`

/**
 * A shell script that mounts some hierarchies over those of the outer container. The covered ones are still in mountinfo, but a runtime
 * that only reads mountinfo finds an empty directory at their mount points.
 */
export const coverCgroups = `mkdir /run/covered && mount --rbind /sys/fs/cgroup /run/covered && mount -t tmpfs cgroup /sys/fs/cgroup
  cd /run/covered; for part in devices freezer memory pids systemd; do if [ -d $part ]; then
  mkdir /sys/fs/cgroup/$part; mount --bind $part /sys/fs/cgroup/$part; fi; done
  if [ -e cgroup.controllers ]; then mount --bind . /sys/fs/cgroup; fi; cd /; umount -R -l /run/covered`

export interface Nested {
  /** The whole id of the outer container. */
  readonly outer: string
  /** Runs a command of the inner engine. */
  readonly call: (...args: readonly string[]) => Result
  /** Runs a shell script in the outer container; its output. */
  readonly shell: (script: string) => string
  readonly image: string
}

/** Calls the inner engine, which must succeed; its standard output without the last newline. */
function must(nested: Nested, ...args: readonly string[]): string {
  const result = nested.call(...args)
  if (result.status !== 0) throw new Error(`inner ${args.join(' ')}: ${result.status}: ${result.stderr}`)
  return result.stdout.trimEnd()
}

/** Starts a container with limits in the inner engine; its whole id. */
export const startInner = (nested: Nested): string =>
  must(
    nested,
    'run',
    '--detach',
    '--memory',
    '32m',
    '--pids-limit',
    '20',
    '--name',
    'inner',
    nested.image,
    'sleep',
    '1000',
  )

/** The limits of an inner container as the machine sees them, below the outer container's cgroup. */
function limitsOf(box: EngineBox, outer: string, inner: string): readonly string[] {
  return [
    ['memory', 'memory.limit_in_bytes', 'memory.max'],
    ['pids', 'pids.max', 'pids.max'],
  ].map(([controller = '', v1 = '', v2 = '']) => {
    const root = cgroupRoot(controller)
    const dir = box.run(['find', root, '-type', 'd', '-path', `*${outer}*/*${inner}*`]).stdout.trim()
    return readFileSync(join(dir, existsSync(join(dir, v1)) ? v1 : v2), 'utf8').trim()
  })
}

const bomb = 'i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; echo all'

/** The life of inner containers: output, limits and their enforcement, exec, stop, and that nothing is left. */
export function livesInside(t: Test, box: EngineBox, nested: Nested): void {
  const { outer, call, image } = nested
  t.equal(must(nested, 'run', '--rm', image, 'echo', 'from inside'), 'from inside')
  t.equal(call('run', '--rm', image, 'sh', '-c', 'exit 7').status, 7)
  const inner = startInner(nested)
  t.same(limitsOf(box, outer, inner), [String(32 << 20), '20'])
  t.equal(must(nested, 'exec', 'inner', 'cat', '/proc/1/comm'), 'sleep')
  t.match(call('exec', 'inner', 'sh', '-c', bomb), { stdout: '', stderr: /fork/ })
  must(nested, 'stop', '--time', '0', 'inner')
  t.equal(must(nested, 'wait', 'inner'), '137')
  must(nested, 'rm', 'inner')
  t.equal(nested.shell(`find /run /sys/fs/cgroup -name '*${inner}*'; grep ${inner} /proc/mounts || true`), '')
}
