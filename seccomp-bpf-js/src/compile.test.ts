import t from 'tap'
import { dockerDefault } from '../test/docker-default.ts'
import { ARCHITECTURES, type ArchitectureName } from './architectures.ts'
import { compileSeccomp } from './compile.ts'
import { disassemble } from './disassemble.ts'
import { decodeFilter } from './program.ts'
import type { Seccomp, SeccompArg } from './seccomp.ts'
import { simulate } from './simulate.ts'

/** The disassembled filter without line addresses, or the problems. */
const text = (profile: unknown, arch: ArchitectureName = 'SCMP_ARCH_X86_64'): string[] => {
  const { endian } = ARCHITECTURES[arch]
  const result = compileSeccomp(profile as Seccomp, { arch })
  if (!('filter' in result)) return result.problems.map(({ path, message }) => `${path}: ${message}`)
  return disassemble(decodeFilter(result.filter, endian), endian)
    .trimEnd()
    .split('\n')
    .map((line) => line.trim())
}

const allow = (names: string[], ...args: SeccompArg[]) => ({ names, action: 'SCMP_ACT_ALLOW', args })
const deny = (names: string[], ...args: SeccompArg[]) => ({ names, action: 'SCMP_ACT_ERRNO', args })

const actionOf = (
  profile: unknown,
  arch: ArchitectureName,
  number: number,
  args: (bigint | number)[] = [],
  on = arch,
): number => {
  const result = compileSeccomp(profile as Seccomp, { arch })
  if (!('filter' in result)) throw new Error(JSON.stringify(result.problems))
  const { endian } = ARCHITECTURES[arch]
  return simulate(decodeFilter(result.filter, endian), { arch: ARCHITECTURES[on].audit, number, args }, endian).action
}

const ALLOW = 0x7fff0000
const KILL = 0
const EPERM = 0x50001
const ENOSYS = 0x50026

t.test('exact instructions: a call differs from its surroundings', async (t) => {
  t.same(text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny(['getppid'])] }, 'SCMP_ARCH_AARCH64'), [
    '0  load arch',
    '1  if arch == SCMP_ARCH_AARCH64 goto 3 else 2',
    '2  return KILL_THREAD',
    '3  load number',
    '4  if number == 173 (getppid) goto 6 else 5',
    '5  return ALLOW',
    '6  return ERRNO(1)',
  ])
})

t.test('exact instructions: ranges, and ENOSYS beyond the newest call', async (t) => {
  t.same(
    text({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [allow(['read', 'write', 'close'])] }, 'SCMP_ARCH_AARCH64'),
    [
      '0  load arch',
      '1  if arch == SCMP_ARCH_AARCH64 goto 3 else 2',
      '2  return KILL_THREAD',
      '3  load number',
      '4  if number >= 57 (close) goto 5 else 7',
      '5  if number >= 63 (read) goto 8 else 6',
      '6  if number >= 58 (vhangup) goto 7 else 9',
      '7  return ERRNO(1)',
      '8  if number >= 65 (readv) goto 10 else 9',
      '9  return ALLOW',
      '10  return ERRNO(38)',
    ].map((line) => line.trim()),
  )
})

t.test('exact instructions: x32 numbers are a foreign architecture, -1 is not', async (t) => {
  t.same(text({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [allow(['read'])] }), [
    '0  load arch',
    '1  if arch == SCMP_ARCH_X86_64 goto 2 else 7',
    '2  load number',
    '3  if number >= 1 (write) goto 5 else 4',
    '4  return ALLOW',
    '5  if number >= 0x40000000 goto 6 else 8',
    '6  if number >= 0xffffffff goto 8 else 7',
    '7  return KILL_THREAD',
    '8  return ERRNO(1)',
  ])
})

t.test('exact instructions: 64-bit comparisons', async (t) => {
  const greater: SeccompArg = { index: 1, value: 0x123456789an, op: 'SCMP_CMP_GT' }
  t.same(text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny(['ioctl'], greater)] }, 'SCMP_ARCH_RISCV64'), [
    '0  load arch',
    '1  if arch == SCMP_ARCH_RISCV64 goto 3 else 2',
    '2  return KILL_THREAD',
    '3  load number',
    '4  if number == 29 (ioctl) goto 5 else 10',
    '5  load args[1] upper',
    '6  if args[1] upper > 0x12 goto 11 else 7',
    '7  if args[1] upper == 0x12 goto 8 else 10',
    '8  load args[1]',
    '9  if args[1] > 0x3456789a goto 11 else 10',
    '10  return ALLOW',
    '11  return ERRNO(1)',
  ])
})

t.test('exact instructions: masks, big-endian, no comparison of words the mask leaves out', async (t) => {
  const bits: SeccompArg = { index: 0, value: 0xff, valueTwo: 0x11, op: 'SCMP_CMP_MASKED_EQ' }
  const clear: SeccompArg = { index: 1, value: 0x100, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }
  t.same(
    text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny(['clone'], bits, clear)] }, 'SCMP_ARCH_S390X').slice(3),
    [
      '3  load number',
      '4  if number == 120 (clone) goto 5 else 10',
      '5  load args[0]',
      '6  and 0xff',
      '7  if args[0] & 0xff == 0x11 goto 8 else 10',
      '8  load args[1]',
      '9  if args[1] & 0x100 goto 10 else 11',
      '10  return ALLOW',
      '11  return ERRNO(1)',
    ],
  )
})

t.test('socketcall gets the rules of the calls behind it', async (t) => {
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86'],
    syscalls: [deny(['socket'], { index: 0, value: 40, op: 'SCMP_CMP_EQ' })],
  }
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 41, [40]), EPERM)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 41, [2]), ALLOW)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 359, [40], 'SCMP_ARCH_X86'), EPERM)
  // Behind socketcall the first argument is the call itself, and the rule's own condition on it is lost, as in
  // libseccomp.
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 102, [1, 40], 'SCMP_ARCH_X86'), EPERM)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 102, [3, 40], 'SCMP_ARCH_X86'), ALLOW)
})

t.test('x32 beside x86_64', async (t) => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X32'],
    syscalls: [allow(['getppid', 'ptrace'])],
  }
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 110), ALLOW)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 0x40000000 + 110), ALLOW)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 101), ALLOW)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 0x40000000 + 101), EPERM, 'x32 has its own ptrace')
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 0x40000000 + 521), ALLOW)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 111), ENOSYS)
  t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 0x40000000 + 522), ENOSYS)
})

t.test('several conditions on one argument become separate rules, as in runc', async (t) => {
  const args: SeccompArg[] = [
    { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
    { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
    { index: 1, value: 7, op: 'SCMP_CMP_EQ' },
  ]
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny(['ioctl'], ...args)] }
  for (const [a, b, action] of [
    [1, 0, EPERM],
    [2, 0, EPERM],
    [3, 7, EPERM],
    [3, 0, ALLOW],
  ] as const)
    t.equal(actionOf(profile, 'SCMP_ARCH_X86_64', 16, [a, b]), action)
})

t.test('the first unconditional rule wins; rules with the default action have no effect', async (t) => {
  const rules = [
    deny(['read'], { index: 0, value: 1, op: 'SCMP_CMP_EQ' }),
    allow(['read']),
    { names: ['read'], action: 'SCMP_ACT_KILL' },
  ]
  t.equal(actionOf({ defaultAction: 'SCMP_ACT_LOG', syscalls: rules }, 'SCMP_ARCH_X86_64', 0, [1]), ALLOW)
  t.equal(actionOf({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }, 'SCMP_ARCH_X86_64', 0, [1]), KILL)
  const named = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [deny(['read', 'write', 'openat2'])] }
  t.equal(actionOf(named, 'SCMP_ARCH_X86_64', 437), EPERM, 'but their names count as known')
  t.equal(actionOf(named, 'SCMP_ARCH_X86_64', 438), ENOSYS)
})

t.test('flags and listener', async (t) => {
  const flagsOf = (more: object) => {
    const result = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', ...more } as Seccomp, { arch: 'SCMP_ARCH_X86_64' })
    return 'filter' in result ? [result.flags, result.listener] : result.problems
  }
  const notify = { listenerPath: '/run/agent', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] }
  t.same(flagsOf({}), [4, false], 'SPEC_ALLOW by default, as runc')
  t.same(flagsOf({ flags: [] }), [0, false])
  t.same(flagsOf({ flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC'] }), [3, false])
  t.same(flagsOf({ ...notify, flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), [40, true])
  t.same(flagsOf({ ...notify, flags: ['SECCOMP_FILTER_FLAG_TSYNC'] }), [25, true], 'with TSYNC_ESRCH')
})

t.test('problems have their path, and all of them are listed', async (t) => {
  t.same(text(null), ['linux.seccomp: must be an object'])
  t.same(text({ defaultAction: 'ALLOW' }), [
    'linux.seccomp.defaultAction: must be one of SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, ' +
      'SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY',
  ])
  const args = [{ index: 6, value: -1, valueTwo: 2 ** 60, op: 'SCMP_CMP_XX' }]
  t.same(
    text({
      defaultAction: 'SCMP_ACT_NOTIFY',
      flags: ['NO_FLAG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
      architectures: ['SCMP_ARCH_S390X', 'SCMP_ARCH_VAX'],
      listenerMetadata: 'x',
      syscalls: [
        { names: [], action: 'SCMP_ACT_ALLOW', errnoRet: 3 },
        { names: ['read'], action: 'SCMP_ACT_ERRNO', args },
      ],
    }).map((line) => line.replace(/must be one of .*/, 'must be one of …')),
    [
      'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action',
      'linux.seccomp.architectures[0]: SCMP_ARCH_S390X is big-endian, the machine is not',
      'linux.seccomp.architectures[1]: must be one of …',
      'linux.seccomp.syscalls[0].errnoRet: has no meaning for SCMP_ACT_ALLOW',
      'linux.seccomp.syscalls[0].names: must be an array with at least one name',
      'linux.seccomp.syscalls[1].args[0].index: must be an integer from 0 to 5',
      'linux.seccomp.syscalls[1].args[0].op: must be one of …',
      'linux.seccomp.syscalls[1].args[0].value: must be an unsigned 64-bit integer, a bigint beyond 2^53',
      'linux.seccomp.syscalls[1].args[0].valueTwo: must be an unsigned 64-bit integer, a bigint beyond 2^53',
      'linux.seccomp.flags[0]: must be one of …',
      'linux.seccomp.flags[1]: needs a rule with SCMP_ACT_NOTIFY',
      'linux.seccomp.listenerMetadata: must not be set without listenerPath',
    ],
  )
  t.same(text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['write', 7], action: 'SCMP_ACT_NOTIFY' }] }), [
    'linux.seccomp.syscalls[0].names[0]: SCMP_ACT_NOTIFY cannot be used for write, the runtime needs it to pass the listener on',
    'linux.seccomp.listenerPath: must be set, a rule uses SCMP_ACT_NOTIFY',
  ])
  t.same(text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [deny(['read', '', 'constructor'])] }), [
    'linux.seccomp.syscalls[0].names[1]: must be the name of a system call',
  ])
})

t.test('errnoRet must be a valid errno, and is ignored without a denying action', async (t) => {
  t.same(text({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4096 }), [
    'linux.seccomp.defaultErrnoRet: must be from 0 to 4095, not 4096',
  ])
  const call = (action: string, errnoRet: number) => ({ names: ['read'], action, errnoRet })
  const syscalls = [call('SCMP_ACT_ERRNO', 65536), call('SCMP_ACT_TRACE', 65536), call('SCMP_ACT_ERRNO', -1)]
  t.same(text({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }), [
    'linux.seccomp.syscalls[0].errnoRet: must be from 0 to 4095, not 65536',
    'linux.seccomp.syscalls[1].errnoRet: must be from 0 to 65535, not 65536',
    'linux.seccomp.syscalls[2].errnoRet: must be an unsigned integer',
  ])
  const of = (defaultAction: string, defaultErrnoRet: number) =>
    actionOf({ defaultAction, defaultErrnoRet }, 'SCMP_ARCH_X86_64', 0)
  t.equal(of('SCMP_ACT_ERRNO', 4095), 0x50fff)
  t.equal(of('SCMP_ACT_TRACE', 65535), 0x7ff0ffff)
  t.equal(of('SCMP_ACT_ALLOW', 70000), ALLOW)
  t.equal(of('SCMP_ACT_LOG', 1), 0x7ffc0000)
})

t.test('calls that a filter denies whatever their arguments are', async (t) => {
  const denied = (profile: unknown) => {
    const needed = ['execve', 'write', 'read', 'no_such_call']
    const result = compileSeccomp(profile as Seccomp, { arch: 'SCMP_ARCH_X86_64', needed })
    return 'filter' in result && result.denied.map(({ name, action }) => `${name} ${action.toString(16)}`)
  }
  const only = (name: string, action: string, ...args: SeccompArg[]) => [{ names: [name], action, args }]
  t.same(denied({ defaultAction: 'SCMP_ACT_ALLOW' }), [])
  t.same(denied({ defaultAction: 'SCMP_ACT_LOG' }), [])
  t.same(denied({ defaultAction: 'SCMP_ACT_ERRNO' }), ['execve 50001', 'write 50001', 'read 50001'])
  t.same(denied({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [allow(['read', 'write'])] }), ['execve 50026'], 'newer')
  t.same(denied({ defaultAction: 'SCMP_ACT_TRACE', syscalls: [allow(['read', 'write'])] }), ['execve 7ff00001'])
  const listenerPath = '/s'
  t.same(denied({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls: only('execve', 'SCMP_ACT_NOTIFY') }), [])
  t.same(denied({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: only('execve', 'SCMP_ACT_KILL') }), ['execve 0'])
  const one: SeccompArg = { index: 0, value: 1, op: 'SCMP_CMP_EQ' }
  t.same(denied({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: only('execve', 'SCMP_ACT_KILL', one) }), [])
  const X32 = { defaultAction: 'SCMP_ACT_KILL', architectures: ['SCMP_ARCH_X32', 'SCMP_ARCH_X86'] }
  t.same(denied({ ...X32, syscalls: [allow(['execve', 'write', 'read'])] }), [], 'on the native architecture')
})

t.test('rules that contradict each other are refused, as libseccomp refuses them', async (t) => {
  const one: SeccompArg = { index: 0, value: 1, op: 'SCMP_CMP_EQ' }
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [allow(['read'], one), { names: ['read'], action: 'SCMP_ACT_KILL', args: [one] }],
  }
  t.same(text(profile), ['linux.seccomp.syscalls[1]: read has another action already under the same conditions'])
})

t.test('a filter beyond the limit of the kernel is refused; one just within it is right', async (t) => {
  const profile = (count: number) => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: Array.from({ length: count }, (_, i) =>
      allow(['read'], { index: 0, value: BigInt(i) * 0x100000001n, op: 'SCMP_CMP_EQ' }),
    ),
  })
  t.match(text(profile(2000)), [/^linux.seccomp.syscalls: compiles to \d+ instructions, the kernel takes 4096$/])
  const large = profile(900)
  for (const i of [0, 1, 127, 500, 899]) {
    t.equal(actionOf(large, 'SCMP_ARCH_X86_64', 0, [BigInt(i) * 0x100000001n]), ALLOW)
    t.equal(actionOf(large, 'SCMP_ARCH_X86_64', 0, [BigInt(i) * 0x100000001n + 1n]), EPERM)
  }
})

t.test('unknown names are skipped, with a warning', async (t) => {
  const result = compileSeccomp(
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [allow(['read', 'no_such_call'])] } as Seccomp,
    {
      arch: 'SCMP_ARCH_X86_64',
    },
  )
  t.same('filter' in result && result.warnings, ['unknown system calls skipped: no_such_call'])
})

t.test('Docker’s default profile', async (t) => {
  const result = compileSeccomp(dockerDefault, { arch: 'SCMP_ARCH_X86_64' })
  const again = compileSeccomp(dockerDefault, { arch: 'SCMP_ARCH_X86_64' })
  t.same(result.problems, [])
  t.same(again, result, 'deterministic')
  t.ok('filter' in result && result.instructionCount < 300)
})
