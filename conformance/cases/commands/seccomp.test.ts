/*
 * seccomp: prints a bundle's filter, and the rule that decides a call. Needs no privileges and leaves nothing behind;
 * seccomp-bpf-js and ../spec/seccomp.test.ts test the filters themselves.
 */
import { readdirSync } from 'node:fs'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

const profile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86'],
  syscalls: [
    { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
    {
      names: ['openat'],
      action: 'SCMP_ACT_ERRNO',
      args: [{ index: 2, value: 0x80000, valueTwo: 0x80000, op: 'SCMP_CMP_MASKED_EQ' }],
    },
  ],
}

scenario('seccomp prints the filter', { skip }, (t, box) => {
  const result = box.call(['seccomp', box.bundle({ linux: { seccomp: profile } }).dir])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, /\d+ {2}load arch\n/)
  t.match(result.stdout, /return ERRNO\(EACCES\)/)
  t.same(readdirSync(box.root), [], 'and makes nothing')
})

scenario('seccomp prints the rule that decides', { skip }, (t, box) => {
  const { dir } = box.bundle({ linux: { seccomp: profile } })
  const ask = (...flags: string[]) => {
    const result = box.call(['seccomp', dir, ...flags])
    t.equal(result.status, 0, result.stderr)
    return result.stdout
  }
  t.match(ask('--syscall', 'mkdir'), /^mkdir .*ERRNO\(EACCES\).*linux\.seccomp\.syscalls\[0\]/)
  t.match(ask('--syscall', 'getpid'), /^getpid .*linux\.seccomp\.defaultAction/)
  t.match(ask('--syscall', 'openat', '--arg', '2=0x80000'), /ERRNO\(EPERM\).*linux\.seccomp\.syscalls\[1\]/)
  t.match(ask('--syscall', 'openat', '--arg', '2=1'), /linux\.seccomp\.defaultAction.*\n.*does not hold/)
  for (const arch of ['SCMP_ARCH_X86', 'x86', 'i386', '386'])
    t.match(ask('--syscall', '39', '--arch', arch), /^mkdir \(39, SCMP_ARCH_X86\).*ERRNO\(EACCES\)/, arch)
  for (const arch of ['arm64', 'aarch64', 'AARCH64'])
    t.match(ask('--syscall', 'getpid', '--arch', arch), /SCMP_ARCH_AARCH64/)
})

scenario('seccomp without a profile', { skip }, (t, box) => {
  const result = box.call(['seccomp', box.bundle().dir])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, 'linux.seccomp: there is none')
})

scenario('seccomp rejects calls that it cannot explain', { skip }, (t, box) => {
  const { dir } = box.bundle({ linux: { seccomp: profile } })
  for (const [flags, message] of [
    [['--syscall', 'nonesuch'], /--syscall nonesuch: unknown system call\n/],
    [['--syscall', 'mkdri'], 'did you mean mkdir?'],
    [['--syscall', 'openat', '--arch', 'arch64'], 'did you mean aarch64?'],
    [['--arg', '0=1'], '--syscall'],
    [['--syscall', 'openat', '--arg', '6=1'], '--arg 6=1'],
    [['--syscall', 'openat', '--arg', '1=x'], '--arg 1=x'],
    [['--syscall', 'openat', '--arch', 'SCMP_ARCH_VAX'], '--arch SCMP_ARCH_VAX'],
  ] as const) {
    const result = box.call(['seccomp', dir, ...flags])
    t.equal(result.status, 1)
    t.match(result.stderr, message)
  }
})

scenario('seccomp diff prints the calls whose action differs', { skip }, (t, box) => {
  const before = box.bundle({ linux: { seccomp: profile } }, { name: 'before' })
  const [mkdir, openat] = profile.syscalls
  const edited = {
    ...profile,
    syscalls: [
      { ...mkdir, errnoRet: 1 },
      { ...openat, args: [{ index: 2, value: 0x80001, op: 'SCMP_CMP_EQ' }] },
    ],
  }
  const after = box.bundle({ linux: { seccomp: edited } }, { name: 'after' })
  const none = box.bundle({}, { name: 'none' })
  const diff = (...paths: readonly string[]) => {
    const result = box.call(['seccomp', 'diff', ...paths])
    t.equal(result.status, 0, result.stderr)
    return result.stdout
  }
  t.equal(diff(before.dir, before.dir), '')
  const changes = diff(before.dir, after.dir)
  t.match(changes, /^SCMP_ARCH_X86_64\n/)
  t.match(changes, /^ {2}mkdir: ERRNO\(EACCES\) -> ERRNO\(EPERM\)$/m)
  t.match(changes, /^ {2}openat\(0, 0, 0x80000, 0, 0, 0\): ERRNO\(EPERM\) -> ALLOW$/m)
  t.notMatch(changes, /getpid|0x80001, 0, 0, 0\): ALLOW/)
  t.match(changes, /^SCMP_ARCH_X86\n/m)
  t.match(diff(before.dir, none.dir), /^ {2}mkdir: ERRNO\(EACCES\) -> ALLOW$/m)
  for (const args of [
    ['diff', before.dir, after.dir, '--syscall', 'mkdir'],
    [before.dir, after.dir],
  ])
    t.match(box.call(['seccomp', ...args]), { status: 1, stdout: '', stderr: /seccomp/ })
})
