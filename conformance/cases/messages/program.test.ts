/*
 * What a user is told if the program of the container cannot be executed (execve(2)).
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { elf } from '../../harness/elf.ts'
import { create, failures, run } from '../../harness/failures.ts'
import { compiled } from '../../harness/project.ts'
import type { Box, Result } from '../../harness/scenario.ts'

/** `run` of a program with these contents and this mode. */
function runFile(box: Box, contents: string | Buffer, mode = 0o755, patch: Patch = {}): Result {
  const bundle = box.bundle({ process: { args: ['/bin/program'], ...patch } })
  writeFileSync(join(bundle.rootfs, 'bin/program'), contents)
  chmodSync(join(bundle.rootfs, 'bin/program'), mode)
  return box.call(['run', '--bundle', bundle.dir, box.id()])
}

function runFromMount(box: Box, option: string): Result {
  const source = join(box.dir, 'srv')
  const mount = { destination: '/srv', type: 'bind', source, options: ['rbind', option] }
  const bundle = box.bundle({ process: { args: ['/srv/program'] }, mounts: mountsWith(mount) })
  mkdirSync(source)
  mkdirSync(join(bundle.rootfs, 'srv'))
  writeFileSync(join(source, 'program'), '#!/bin/sh\n', { mode: 0o755 })
  return box.call(['create', '--bundle', bundle.dir, box.id()])
}

const CAP_NET_ADMIN = '12'

/** execve(2) fails with EPERM if the process cannot get all capabilities of the file. */
function runWithFileCapability(box: Box): Result {
  const bundle = box.bundle({ process: { args: ['/bin/program'], user: { uid: 1000 }, noNewPrivileges: false } })
  const file = join(bundle.rootfs, 'bin/program')
  execFileSync('cp', [join(bundle.rootfs, 'bin/probe'), file])
  execFileSync(compiled('aid'), ['setcap', file, CAP_NET_ADMIN])
  return box.call(['run', '--bundle', bundle.dir, box.id()])
}

const property = 'process.args[0] (/bin/program): exec'

failures([
  {
    name: 'exec_notfound',
    fail: (box) => create(box, { process: { args: ['nosuch'], env: ['PATH=/opt/bin:/bin'] } }),
    property: 'process.args[0] (nosuch): exec: "nosuch"',
    call: 'executable file not found in $PATH',
    cause: 'PATH=/opt/bin:/bin was searched in the root file system',
    wayOut: 'give a path, install the program, or correct PATH',
  },
  {
    name: 'exec_noperm',
    fail: (box) => runFile(box, '#!/bin/sh\n', 0o644),
    property,
    call: 'execve: EACCES (permission denied)',
    cause: 'its mode is 0644',
    wayOut: 'chmod +x it in the image',
  },
  {
    name: 'exec_format',
    fail: (box) => runFile(box, 'echo hello\n'),
    property,
    call: 'execve: ENOEXEC (exec format error)',
    cause: 'the file is text without a #! line',
    wayOut: 'begin it with one, such as #!/bin/sh',
  },
  {
    name: 'exec_format of another architecture',
    fail: (box) => runFile(box, elf(process.arch === 'arm64' ? 62 : 183)),
    property,
    call: 'execve: ENOEXEC (exec format error)',
    cause: /the program is for (aarch64|x86_64), this machine is (x86_64|aarch64)/,
    wayOut: /use an image for (x86_64|aarch64)/,
  },
  {
    name: 'exec_interp',
    fail: (box) => runFile(box, '#!/bin/sh\r\necho hello\r\n'),
    property,
    call: 'execve: ENOENT (no such file or directory)',
    cause: 'its #! line ends with a carriage return (CRLF)',
    wayOut: 'save it with LF',
  },
  {
    name: 'exec_interp that is missing',
    fail: (box) => runFile(box, '#!/opt/bin/python3 -s\n'),
    property,
    call: 'execve: ENOENT (no such file or directory)',
    cause: 'its interpreter "/opt/bin/python3" (#! line) is not in the root file system',
    wayOut: 'install it',
  },
  {
    name: 'exec_ldso',
    fail: (box) => runFile(box, elf(process.arch === 'arm64' ? 183 : 62, '/lib/ld-none.so.1')),
    property,
    call: 'execve: ENOENT (no such file or directory)',
    cause: 'its dynamic loader "/lib/ld-none.so.1" is not in the root file system',
    wayOut: 'or link it statically',
  },
  {
    name: 'exec_dir',
    fail: (box) => create(box, { process: { args: ['/etc'] } }),
    property: 'process.args[0] (/etc): exec: "/etc"',
    call: 'execve: EACCES (permission denied)',
    cause: 'is a directory',
    wayOut: 'process.args[0] must name a program in "/etc"',
  },
  {
    name: 'exec_noexec',
    fail: (box) => runFromMount(box, 'noexec'),
    property: 'process.args[0] (/srv/program)',
    call: 'execve: EACCES (permission denied)',
    cause: '"/srv/program" is on a mount with the option noexec',
    wayOut: 'mount it with exec',
  },
  {
    name: 'e2big',
    fail: (box) => run(box, { process: { env: ['PATH=/bin', 'A=1', 'B=2', `BIG=${'x'.repeat(200_000)}`] } }),
    property: 'process.env[3] (BIG, 200004 bytes)',
    call: 'execve: E2BIG (argument list too long)',
    cause: 'one string may have',
    wayOut: '131071 bytes',
  },
  {
    name: 'a program with file capabilities outside of the bounding set',
    fail: runWithFileCapability,
    property,
    call: 'execve: EPERM (operation not permitted)',
    cause: 'file capabilities CAP_NET_ADMIN are not in process.capabilities.bounding',
    wayOut: 'add them, or remove them from the file with setcap -r',
  },
])
