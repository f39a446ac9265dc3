/*
 * Where the facts about a program are looked for: in a running container, after `start`, on a mount that is gone. What is not known is not
 * said, and a hostile file neither blocks the runtime nor leads it elsewhere.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../../harness/bundle.ts'
import { failures } from '../../harness/failures.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const text = 'exec format error'

function startText(box: Box): Result {
  const bundle = box.bundle({ process: { args: ['/bin/program'] } })
  writeFileSync(join(bundle.rootfs, 'bin/program'), 'echo\n', { mode: 0o755 })
  const id = box.id()
  box.call(['create', '--bundle', bundle.dir, id])
  const result = box.call(['start', id])
  box.call(['delete', '--force', id])
  return result
}

function startTooBig(box: Box): Result {
  const bundle = box.bundle({ process: { env: ['PATH=/bin', `BIG=${'x'.repeat(131_072)}`] } })
  const id = box.id()
  box.call(['create', '--bundle', bundle.dir, id])
  const result = box.call(['start', id])
  box.call(['delete', '--force', id])
  return result
}

function execOnNoexec(box: Box): Result {
  const command = 'cp /bin/busybox /dev/shm/program; sleep 1000'
  const bundle = box.bundle({ process: { args: ['sh', '-c', command] } })
  const id = box.id()
  box.call(['run', '--detach', '--bundle', bundle.dir, id])
  while (box.call(['exec', id, 'test', '-x', '/dev/shm/program']).status !== 0 && box.state(id)?.status === 'running');
  const result = box.call(['exec', id, '/dev/shm/program'])
  box.call(['delete', '--force', id])
  return result
}

failures([
  {
    name: 'a text as a program, after start',
    fail: startText,
    property: 'process.args[0] (/bin/program)',
    call: text,
    cause: 'the file is text without a #! line',
    wayOut: 'begin it with one, such as #!/bin/sh',
  },
  {
    name: 'a string that is too long, after start',
    fail: startTooBig,
    property: 'process.env[1] (BIG, 131076 bytes)',
    call: 'execve: E2BIG',
    cause: 'one string may have',
    wayOut: '131071 bytes',
  },
  {
    name: 'exec on a mount of the container with noexec',
    status: 255,
    fail: execOnNoexec,
    property: '/dev/shm/program',
    call: 'execve: EACCES',
    cause: '"/dev/shm/program" is on a mount with the option noexec',
    wayOut: 'mount it with exec',
  },
])

const skip = isRunt ? false : 'others give no hints'

scenario('what may be on a mount that is gone is not called missing', { skip }, (t, box) => {
  const mounts = mountsWith({ destination: '/opt', type: 'tmpfs', source: 'tmpfs' })
  const bundle = box.bundle({ process: { args: ['/bin/program'] }, root: { readonly: false }, mounts })
  symlinkSync('/opt', join(bundle.rootfs, 'alias'))
  for (const interpreter of ['/opt/bin/x', '/alias/x']) {
    writeFileSync(join(bundle.rootfs, 'bin/program'), `#!${interpreter}\n`, { mode: 0o755 })
    const { status, stderr } = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(status, 1)
    t.match(stderr, /exec \/bin\/program: execve: ENOENT \(no such file or directory\)\n$/, 'and no hint')
  }
})

scenario('a hostile program neither blocks the runtime nor leads it elsewhere', { skip }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['/bin/program'] } })
  const program = join(bundle.rootfs, 'bin/program')
  const refused = (): string => {
    const { status, stderr } = box.call(['run', '--bundle', bundle.dir, box.id()], { timeout: 20_000 })
    t.equal(status, 1, stderr)
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
    return stderr
  }
  execFileSync('mkfifo', [program])
  chmodSync(program, 0o755)
  t.match(refused(), /"\/bin\/program" is no regular file but a fifo/)
  execFileSync('rm', [program])
  symlinkSync('/proc/self/exe', program)
  t.notMatch(refused(), /mode|noexec/, 'a magic link')
  execFileSync('rm', [program])
  writeFileSync(program, '#!/bin/\x1b[31m\u2028red\n', { mode: 0o755 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  t.notMatch(refused(), /[\x1b\u2028]/, 'characters that control a terminal')
})
