import t from 'tap'
import { dockerDefault } from '../test/docker-default.ts'
import { type Call, explainSyscall } from './explain.ts'

const explain = (call: Call) => {
  const result = explainSyscall(dockerDefault, { arch: 'SCMP_ARCH_X86_64' }, call)
  return 'text' in result ? [result.text, ...result.considered] : result.problems.map(({ message }) => message)
}

t.test('the rule that decides, and why', async (t) => {
  t.same(explain({ syscall: 'mount' }), [
    'mount (165, SCMP_ARCH_X86_64): ERRNO(1), linux.seccomp.defaultAction: no rule matches',
  ])
  t.same(explain({ syscall: 0 }), [
    'read (0, SCMP_ARCH_X86_64): ALLOW, linux.seccomp.syscalls[0]: this rule matches',
    'linux.seccomp.syscalls[0]: ALLOW, always',
  ])
  t.same(explain({ syscall: 'clone', args: [0x10000000] }), [
    'clone (56, SCMP_ARCH_X86_64): ERRNO(1), linux.seccomp.defaultAction: no rule matches',
    'linux.seccomp.syscalls[7]: ALLOW if args[0] & 0x7e020000 == 0 does not hold',
  ])
  t.match(explain({ syscall: 'clone3' })[0], 'ERRNO(38), linux.seccomp.syscalls[8]: this rule matches')
  t.match(explain({ syscall: 460 })[0], 'ERRNO(38), linux.seccomp.syscalls: it is newer than all calls')
  t.match(explain({ syscall: 'read', arch: 'SCMP_ARCH_ARM' })[0], 'KILL_THREAD, linux.seccomp.architectures')
  t.match(explain({ syscall: 'socketcall', args: [1, 40], arch: 'SCMP_ARCH_X86' }), [
    /ALLOW/,
    /syscalls\[0\]/,
    /syscalls\[1\].*holds/,
  ])
  t.same(explain({ syscall: 'opnat' }), ['no system call of SCMP_ARCH_X86_64 has this name'])
})
