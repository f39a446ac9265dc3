/*
 * The installed runtimes for comparison. crun 1.8 refuses v1 hierarchies beside a v2 hierarchy with controllers: it runs in a mount
 * namespace of its own from which the v2 hierarchy is unmounted, without an effect on other processes.
 */
import { findRuntime } from './project.ts'
import { needsCgroupsOfCrun } from './requires.ts'
import type { CallOptions } from './scenario.ts'

const withoutUnified =
  'mount --make-rprivate /sys && umount "$(sed -n "s/^[^ ]* [^ ]* [^ ]* [^ ]* \\([^ ]*\\) .* - cgroup2 .*/\\1/p" /proc/self/mountinfo)" && exec "$@"'

/** How to call the peer with Box.call; undefined if it is not installed. */
export function peerCall(name: 'runc' | 'crun'): CallOptions | undefined {
  const peer = findRuntime(name)
  if (peer === undefined) return undefined
  if (name === 'runc' || needsCgroupsOfCrun() === false) return { runtime: peer.path }
  return {
    runtime: peer.path,
    wrap: ['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', withoutUnified, 'sh'],
  }
}
