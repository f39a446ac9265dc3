/*
 * What a user is told if a mount fails.
 */
import { mkdirSync, rmdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWith } from '../../harness/bundle.ts'
import { afterCommands, create, failures, inUserNamespace, withoutNamespace } from '../../harness/failures.ts'
import type { Box, Result } from '../../harness/scenario.ts'

const withMount = (box: Box, mount: Json): Result =>
  create(box, { root: { readonly: false }, mounts: mountsWith(mount) })

const one = [{ containerID: 0, hostID: 100000, size: 1 }]

failures([
  {
    name: 'bind_missing',
    fail: (box) => withMount(box, { destination: '/data', type: 'bind', source: '/nosuch/data', options: ['rbind'] }),
    property: 'mounts[7] (/nosuch/data at /data)',
    call: 'open_tree: ENOENT',
    cause: '/nosuch does not exist on the host',
    wayOut: 'create it, or correct the source',
  },
  {
    name: 'bind_dir_on_file',
    fail: (box) => withMount(box, { destination: '/etc/passwd', type: 'bind', source: '/srv', options: ['rbind'] }),
    property: 'mounts[7] (/srv at /etc/passwd)',
    call: 'move_mount: ENOTDIR',
    cause: 'a directory can only be mounted on a directory',
    wayOut: 'a file only on a file',
  },
  {
    name: 'mount_opt',
    fail: (box) =>
      withMount(box, { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'sise=1m'] }),
    property: 'mounts[7].options[1] (tmpfs at /data)',
    call: 'fsconfig sise=1m: EINVAL',
    cause: 'tmpfs has no option sise',
    wayOut: 'the most similar is size',
  },
  {
    name: 'overlay',
    fail: (box) =>
      withMount(box, { destination: '/data', type: 'overlay', source: 'overlay', options: ['lowerdir=/nosuch/lower'] }),
    property: 'mounts[7].options[0] (overlay at /data)',
    call: 'fsconfig lowerdir=/nosuch/lower: ENOENT',
    cause: '/nosuch does not exist on the host',
    wayOut: 'create it, or correct the option',
  },
  {
    name: 'sysfs_userns',
    fail: (box) => create(box, withoutNamespace('network')),
    property: 'mounts[5] (sysfs at /sys)',
    call: /fs(open|mount): EPERM/,
    cause: 'in a user namespace',
    wayOut: 'it needs a new network namespace, too',
  },
  {
    name: 'proc_masked',
    fail: (box) => create(box, inUserNamespace(), afterCommands('mount -t tmpfs none /proc/fs')),
    property: 'mounts[0] (proc at /proc)',
    call: 'fsmount: EPERM (operation not permitted)',
    cause: "parts of the host's /proc are covered (/proc/fs), so the kernel allows no new one here",
    wayOut: 'uncover them, or bind /proc',
  },
  {
    name: 'ro_target',
    fail: (box) => {
      const bundle = box.bundle({ mounts: mountsWith({ destination: '/data', type: 'tmpfs', source: 'tmpfs' }) })
      const commands = `mount --bind ${bundle.rootfs} ${bundle.rootfs} && mount -o remount,bind,ro ${bundle.rootfs}`
      return box.call(['create', '--bundle', bundle.dir, box.id()], afterCommands(commands))
    },
    property: 'mounts[7] (tmpfs at /data)',
    call: 'EROFS',
    cause: 'the target does not exist, and the root file system is on a read-only mount of the host',
    wayOut: 'create it in the image',
  },
  {
    name: 'devpts_gid',
    fail: (box) => create(box, inUserNamespace(one)),
    property: /mounts\[2\](\.options\[5\])? \(devpts at \/dev\/pts\)/,
    call: /fsconfig( gid=5)?: EINVAL/,
    cause: 'gid 5 is not in linux.gidMappings',
    wayOut: 'map it, or remove the option gid=5',
  },
  {
    name: 'idmap',
    fail: (box) => {
      const options = ['bind', 'idmap']
      const mappings = { uidMappings: one, gidMappings: one }
      return withMount(box, { destination: '/data', type: 'bind', source: '/proc/sys', options, ...mappings })
    },
    property: 'mounts[7] (/proc/sys at /data)',
    call: 'mount_setattr: EINVAL',
    cause: 'the file system of the source is proc, which does not support id-mapped mounts',
    wayOut: 'use one that does',
  },
  {
    name: 'proc_link',
    fail: (box) => {
      const bundle = box.bundle()
      rmdirSync(join(bundle.rootfs, 'proc'))
      symlinkSync('/tmp', join(bundle.rootfs, 'proc'))
      return box.call(['create', '--bundle', bundle.dir, box.id()])
    },
    property: 'mounts[0] (proc at /proc)',
    call: 'openat2: ELOOP',
    cause: 'not on a symbolic link',
    wayOut: 'must be mounted on ordinary directory',
  },
  {
    name: 'userns_rootfs',
    fail: (box) => {
      mkdirSync(join(box.dir, 'private'), { mode: 0o700 })
      const bundle = box.bundle(inUserNamespace(), { name: 'private/bundle' })
      return box.call(['create', '--bundle', bundle.dir, box.id()])
    },
    property: 'root.path',
    call: 'EACCES',
    cause: /uid 100000, the container's root, cannot search \/.*\/private \(mode 0700, uid 0\)/,
    wayOut: 'chmod +x it, or move the bundle',
  },
  {
    name: 'bind_noopt',
    fail: (box) => withMount(box, { destination: '/data', source: '/tmp' }),
    property: 'mounts[7] (/tmp at /data)',
    call: 'fsopen: ENODEV',
    cause: 'no type and no "bind" option; the source is a directory',
    wayOut: '"type": "bind", "options": ["rbind"]',
  },
])
