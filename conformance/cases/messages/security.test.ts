/*
 * What a user is told about seccomp profiles, sysctls and hooks.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../../harness/bundle.ts'
import { create, failures, run } from '../../harness/failures.ts'
import type { Box, Result } from '../../harness/scenario.ts'

function withHook(box: Box, script: string, more: { readonly [key: string]: Json } = {}): Result {
  const path = join(box.dir, 'hook')
  writeFileSync(path, script, { mode: 0o755 })
  return create(box, { hooks: { createRuntime: [{ path, ...more }] } })
}

const profile = (name: string, action: string, more = {}) => ({
  linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [name], action }], ...more } },
})

failures([
  {
    name: 'sec_deny',
    fail: (box) => run(box, profile('execve', 'SCMP_ACT_ERRNO')),
    property: 'linux.seccomp',
    call: 'EPERM (operation not permitted)',
    cause: 'the profile denies execve (ERRNO(1))',
    wayOut: 'denies execve',
  },
  {
    name: 'sec_notify',
    fail: (box) => create(box, profile('mkdir', 'SCMP_ACT_NOTIFY', { listenerPath: '/run/nosuch.sock' })),
    property: 'linux.seccomp.listenerPath',
    call: 'connect /run/nosuch.sock: ENOENT',
    cause: 'there is no such socket',
    wayOut: 'start the program that listens there first, or correct the path',
  },
  {
    name: 'sysctl_none',
    fail: (box) => create(box, { linux: { sysctl: { 'net.ipv4.ip_forwad': '1' } } }),
    property: 'linux.sysctl.net.ipv4.ip_forwad',
    call: 'openat2 "1" to sys/net/ipv4/ip_forwad: ENOENT',
    cause: 'this kernel has no such sysctl',
    wayOut: 'the most similar is ip_forward',
  },
  {
    name: 'hook_missing',
    fail: (box) => create(box, { hooks: { createRuntime: [{ path: '/nosuch/hook' }] } }),
    property: 'createRuntime hook #0: (/nosuch/hook)',
    call: 'no such file or directory',
    cause: '/nosuch does not exist on the host',
    wayOut: 'install the hook, or correct its path',
  },
  {
    name: 'hook_fail',
    fail: (box) => withHook(box, '#!/bin/sh\necho no network >&2\nexit 3\n'),
    property: 'createRuntime hook #0: (/',
    call: 'exit status 3',
    cause: 'no network',
    wayOut: 'error running createRuntime hook',
  },
  {
    name: 'hook_timeout',
    fail: (box) => withHook(box, '#!/bin/sh\nexec sleep 100\n', { timeout: 1 }),
    property: 'createRuntime hook #0: (/',
    call: 'timed out after 1 s',
    cause: 'the limit is hooks.createRuntime[0].timeout',
    wayOut: 'raise it, or make the hook end sooner',
  },
])
