/*
 * lookInRoot: files inside a root file system that an image or a container controls. Nothing outside of the root is found, nothing but a
 * regular file is opened, and nothing blocks.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { native } from './entry/node.ts'
import type { NativeError } from './native.ts'

function scratch(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'runt-root-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'bin'))
  return dir
}

t.test('a regular file: kind, mode, path without links, beginning', async (t) => {
  const root = scratch(t)
  writeFileSync(join(root, 'bin/sh'), `#!/bin/x\n${'y'.repeat(10_000)}`)
  chmodSync(join(root, 'bin/sh'), 0o4711)
  symlinkSync('/bin/sh', join(root, 'link'))
  symlinkSync('../../../../../link', join(root, 'bin/above'))
  for (const path of ['bin/sh', '/bin/sh', '//bin//sh', '/link', 'bin/above', '../../bin/sh']) {
    const file = native.lookInRoot(root, path)
    t.match(file, { kind: 'file', mode: 0o4711, path: '/bin/sh', size: 10_009, isReadOnly: false }, path)
    t.equal(file?.head.length, 4096)
    t.equal(Buffer.from(file?.head ?? []).toString('latin1', 0, 9), '#!/bin/x\n')
    t.equal(file?.capabilities.length, 0)
  }
})

t.test('a missing file is an error', async (t) => {
  const root = scratch(t)
  writeFileSync(join(root, 'file'), '')
  symlinkSync('/etc/passwd', join(root, 'outside'))
  for (const path of ['nosuch', 'file/below', 'outside', '/etc/passwd'])
    t.equal(native.lookInRoot(root, path), undefined)
  t.match(native.lookInRoot(root, 'file'), { kind: 'file', size: 0, head: new Uint8Array(0) })
})

t.test('nothing but a regular file is opened', async (t) => {
  const root = scratch(t)
  execFileSync('mkfifo', [join(root, 'fifo')])
  const server = createServer().listen(join(root, 'socket'))
  await new Promise((done) => server.on('listening', done))
  for (const kind of ['fifo', 'socket'] as const)
    t.match(native.lookInRoot(root, kind), { kind, head: new Uint8Array(0) })
  server.close()
  t.match(native.lookInRoot(root, 'bin'), { kind: 'directory', path: '/bin', head: new Uint8Array(0) })
  t.match(native.lookInRoot('/', '/dev/null'), { kind: 'char', head: new Uint8Array(0) })
})

t.test('a magic link is not followed', async (t) => {
  let found: Partial<NativeError> = {}
  try {
    native.lookInRoot('/', '/proc/self/exe')
  } catch (error) {
    found = error as NativeError
  }
  t.match(found, { code: 'ELOOP', syscall: 'openat2' })
})

t.test('the root must be a directory', async (t) => {
  const root = scratch(t)
  writeFileSync(join(root, 'file'), '')
  t.equal(native.lookInRoot(join(root, 'file'), '/'), undefined)
  t.equal(native.lookInRoot(join(root, 'nosuch'), '/'), undefined)
  t.match(native.lookInRoot(root, '/'), { kind: 'directory', path: '' })
})
