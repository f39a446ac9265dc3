/*
 * What an ordinary user is told, and what about namespaces and ids.
 */
import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'
import { type Patch, patched } from '../../harness/bundle.ts'
import { create, failures, inUserNamespace } from '../../harness/failures.ts'
import { callAs, isRoot, needsUser, rootlessBundle, user, wrap } from '../../harness/ordinary-user.ts'
import { compiled } from '../../harness/project.ts'
import { either, needsCommand, needsRoot } from '../../harness/requires.ts'
import type { Box, Result } from '../../harness/scenario.ts'

const withNetwork = (box: Box, path: string): Result => {
  const types = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
  return create(box, { linux: { namespaces: [...types, { type: 'network', path }] } })
}

/** A user namespace of its own, in which no further one may be made. */
const lastNamespace = {
  wrap: [
    ...['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'private', 'sh', '-c'],
    ...['echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh'],
  ],
}

/** create as the ordinary user, in a bundle of its own. */
const createAs = (box: Box, patch: Patch, options = {}): Result =>
  callAs(box, ['create', '--bundle', rootlessBundle(box, patch), box.id()], options)

failures([
  {
    name: 'rootless_perm',
    skip: either(needsUser(), needsRoot()),
    fail: (box) => {
      const dir = rootlessBundle(box, {})
      chmodSync(join(dir, 'rootfs'), 0o700)
      return callAs(box, ['create', '--bundle', dir, box.id()])
    },
    property: 'root.path',
    call: 'EACCES',
    cause: new RegExp(`uid ${user} cannot search /.*/rootfs \\(mode 0700, uid 0\\)`),
    wayOut: 'chmod +x it, or chown it',
  },
  {
    name: 'no_xdg',
    skip: needsUser(),
    fail: (box) => createAs(box, {}, { root: null }),
    // The state root itself, if nobody has used it yet.
    property: /state (root \/run\/runt|directory \/run\/runt\/)/,
    call: 'mkdir: EACCES',
    cause: `uid ${user} is not root, and XDG_RUNTIME_DIR is not set`,
    wayOut: 'set it, or use --root',
  },
  {
    name: 'rootless_rootcfg',
    skip: needsUser(),
    fail: (box) => {
      const bundle = box.bundle({}, { name: box.id() })
      if (isRoot) chownSync(box.root, user, user)
      return callAs(box, ['create', '--bundle', bundle.dir, box.id()])
    },
    property: 'linux.namespaces',
    call: 'EPERM',
    cause: 'making namespaces needs CAP_SYS_ADMIN, or a user namespace',
    wayOut: '"runt spec --rootless" does',
  },
  {
    name: 'subuid',
    skip: either(needsUser(), needsCommand('newuidmap')),
    fail: (box) => {
      const mappings = [{ containerID: 0, hostID: 4_000_000_000, size: 65536 }]
      return createAs(box, { linux: { uidMappings: mappings, gidMappings: mappings } })
    },
    property: 'linux.uidMappings[0] (0 → 4000000000, 65536 ids)',
    call: 'newuidmap ended with status 1',
    cause: `/etc/subuid gives uid ${user} no such range`,
    wayOut: 'add one with usermod(8), or map what it gives',
  },
  {
    name: 'keyring',
    skip: needsUser(),
    fail: (box) => createAs(box, {}, { wrap: [...wrap, compiled('aid'), 'keys'] }),
    property: 'session keyring',
    call: 'keyctl: EDQUOT',
    cause: new RegExp(`uid ${user} has used its quota of keys \\(kernel\\.keys\\.maxkeys=\\d+\\)`),
    wayOut: 'raise it, or pass --no-new-keyring',
  },
  {
    name: 'userns_enospc',
    skip: needsCommand('unshare'),
    fail: (box) => create(box, inUserNamespace(), lastNamespace),
    property: 'linux.namespaces[5] (user)',
    call: 'unshare: ENOSPC',
    cause: 'user.max_user_namespaces is 0',
    wayOut: 'raise it with sysctl(8)',
  },
  {
    name: 'userns_nomap',
    fail: (box) => create(box, patched(inUserNamespace(), { linux: { uidMappings: undefined } }) as Patch),
    property: 'linux.uidMappings',
    call: 'is required',
    cause: 'for a new user namespace',
    wayOut: 'linux.uidMappings: is required',
  },
  {
    name: 'ns_missing',
    fail: (box) => withNetwork(box, '/run/netns/nosuch'),
    property: 'linux.namespaces[4] (network at /run/netns/nosuch)',
    call: 'openat2: ENOENT',
    cause: 'there is no such namespace',
    wayOut: 'make it first (ip netns add, or a process that has it), or remove "path" for a new one',
  },
  {
    name: 'ns_type',
    fail: (box) => withNetwork(box, '/proc/self/ns/uts'),
    property: 'linux.namespaces[4] (network at /proc/self/ns/uts)',
    call: 'setns: EINVAL',
    cause: 'it is a uts namespace, not a network namespace',
    wayOut: 'correct the path',
  },
])
