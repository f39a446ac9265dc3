/*
 * Seccomp in the running container: what a filter denies, with which errno, and that programs start under the default
 * profile of engines. seccomp-bpf-js tests the compiler itself.
 */
import type { Json, Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const native = process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'

const profile = (defaultAction: string, syscalls: readonly Json[], more: Patch = {}): Patch => ({
  linux: { seccomp: { defaultAction, architectures: [native], syscalls, ...more } },
})

scenario('no seccomp without a profile', {}, (t, box) => {
  const status = runProbe(t, box, ['file:/proc/self/status']).pairs('file:/proc/self/status')
  t.match(status, { Seccomp: '0', Seccomp_filters: '0' })
})

scenario('a filter denies with EPERM or the errno of the config', {}, (t, box) => {
  const topics = ['try:getcwd', 'try:keyctl', 'try:personality', 'file:/proc/self/status', 'say:alive']
  const inside = runProbe(
    t,
    box,
    topics,
    profile('SCMP_ACT_ALLOW', [
      { names: ['keyctl', 'no_such_syscall_in_any_kernel'], action: 'SCMP_ACT_ERRNO' },
      { names: ['personality'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
      { names: ['getcwd'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
    ]),
  )
  t.equal(inside.text('try:keyctl'), 'EPERM', 'the default')
  t.equal(inside.text('try:personality'), 'ENOSYS')
  t.equal(inside.text('try:getcwd'), 'EACCES', 'also what the runtime itself might need')
  t.match(inside.pairs('file:/proc/self/status'), { Seccomp: '2', Seccomp_filters: '1' })
})

scenario('a filter with arguments', {}, (t, box) => {
  const filter = (value: number) =>
    profile('SCMP_ACT_ALLOW', [
      { names: ['personality'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] },
    ])
  t.equal(runProbe(t, box, ['try:personality'], filter(8)).text('try:personality'), 'EPERM')
  t.equal(runProbe(t, box, ['try:personality'], filter(9)).text('try:personality'), 'ok')
})

scenario('a killing filter', {}, (t, box) => {
  for (const [action, status] of [
    ['SCMP_ACT_KILL_PROCESS', 159],
    ['SCMP_ACT_KILL', 159],
    ['SCMP_ACT_TRAP', 159],
  ] as const) {
    const patch = {
      process: { args: ['/bin/probe', 'try:keyctl'] },
      ...profile('SCMP_ACT_ALLOW', [{ names: ['keyctl'], action }]),
    }
    const bundle = box.bundle(patch, { name: action })
    t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, status, action)
  }
})

/* The calls that a static program needs to start and print: a short version of the allow lists of engines. */
const needed = [
  'arch_prctl access brk clone clone3 close dup dup2 dup3 execve exit exit_group fcntl fork fstat fstatfs futex',
  'getdents64 getegid geteuid getgid getpgrp getpid getppid getrandom getsid gettid getuid ioctl kill lseek lstat',
  'mmap mprotect munmap newfstatat open openat openat2 pipe2 prctl pread64 prlimit64 read readlink readlinkat',
  'rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield set_robust_list set_tid_address setgid setgroups setuid',
  'stat statx sigaltstack tgkill umask uname vfork wait4 write writev capget capset chdir fchdir close_range',
  'epoll_create1 epoll_ctl epoll_pwait eventfd2 faccessat faccessat2 nanosleep getpgid getgroups getcwd setresuid setresgid setfsuid setfsgid fchown',
]
  .join(' ')
  .split(' ')

scenario('an allow list starts the process and denies the rest', {}, (t, box) => {
  for (const noNewPrivileges of [true, false]) {
    const inside = runProbe(t, box, ['try:keyctl', 'try:mount', 'file:/proc/self/status'], {
      process: { noNewPrivileges },
      ...profile('SCMP_ACT_ERRNO', [{ names: needed, action: 'SCMP_ACT_ALLOW' }]),
    })
    t.equal(inside.text('try:keyctl'), 'EPERM')
    t.equal(inside.text('try:mount'), 'EPERM')
    t.equal(inside.pairs('file:/proc/self/status').Seccomp, '2')
  }
})

scenario(
  'an allow list needs few system calls for the runtime',
  { peers: { runc: 'needs more', crun: 'needs more' } },
  (t, box) => {
    // Of the program itself: a static C program that prints.
    const own = [
      'exit_group',
      'write',
      'writev',
      'ioctl',
      'arch_prctl',
      'set_tid_address',
      'brk',
      'fstat',
      'newfstatat',
    ]
    const whitelist = (names: readonly string[]) =>
      profile('SCMP_ACT_KILL_PROCESS', [{ names: [...own, ...names], action: 'SCMP_ACT_ALLOW' }])
    const startup = ['set_robust_list', 'rseq', 'prlimit64', 'readlink', 'readlinkat', 'getrandom', 'mprotect']
    for (const [process, names] of [
      [{ noNewPrivileges: true }, ['execve']],
      [{ noNewPrivileges: false }, ['execve', 'capset', 'read']],
      [{ noNewPrivileges: false, user: { uid: 1000, gid: 1000 } }, ['execve', 'capset', 'read']],
    ] as const) {
      const inside = runProbe(t, box, ['say:alive'], { process, ...whitelist([...startup, ...names]) })
      t.equal(inside.text('say:alive'), 'alive')
    }
  },
)

scenario('a filter applies to a user without capabilities', {}, (t, box) => {
  for (const noNewPrivileges of [true, false]) {
    const inside = runProbe(t, box, ['try:keyctl', 'process'], {
      process: { noNewPrivileges, user: { uid: 1000, gid: 1000 } },
      ...profile('SCMP_ACT_ALLOW', [{ names: ['keyctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }]),
    })
    t.equal(inside.text('try:keyctl'), 'EOPNOTSUPP')
    t.match(inside.pairs('process').uid, '1000')
  }
})

scenario('syscalls newer than the profile get ENOSYS', { peers: { crun: 'gives the default action' } }, (t, box) => {
  // "Newer" means a higher number than all in the profile: rseq is 334, clone3 is 435.
  const names = needed.filter((name) => !['clone3', 'openat2', 'close_range', 'faccessat2'].includes(name))
  const inside = runProbe(
    t,
    box,
    ['try:clone3', 'try:keyctl'],
    profile('SCMP_ACT_ERRNO', [{ names, action: 'SCMP_ACT_ALLOW' }]),
  )
  t.equal(inside.text('try:clone3'), 'ENOSYS', 'so that the C library falls back')
  t.equal(inside.text('try:keyctl'), 'EPERM')
})

scenario(
  'an errnoRet outside of the errno range is refused',
  { peers: { runc: 'cuts it', crun: 'cuts it' } },
  (t, box) => {
    const deny = (action: string, errnoRet: number): Json => ({ names: ['keyctl'], action, errnoRet })
    for (const [name, patch, path] of [
      [
        'success',
        profile('SCMP_ACT_ALLOW', [deny('SCMP_ACT_ERRNO', 65536)]),
        /linux\.seccomp\.syscalls\[0\]\.errnoRet/,
      ],
      ['beyond', profile('SCMP_ACT_ALLOW', [deny('SCMP_ACT_ERRNO', 4096)]), /linux\.seccomp\.syscalls\[0\]\.errnoRet/],
      ['tracer', profile('SCMP_ACT_ALLOW', [deny('SCMP_ACT_TRACE', 65536)]), /linux\.seccomp\.syscalls\[0\]\.errnoRet/],
      ['default', profile('SCMP_ACT_ERRNO', [], { defaultErrnoRet: 5000 }), /linux\.seccomp\.defaultErrnoRet/],
    ] as const) {
      const { dir } = box.bundle(patch, { name })
      for (const args of [
        ['run', '--bundle', dir, box.id()],
        ...(isRunt
          ? [
              ['validate', dir],
              ['seccomp', dir],
            ]
          : []),
      ]) {
        const result = box.call(args)
        t.not(result.status, 0, `${args[0]} ${name}`)
        t.match(result.stdout + result.stderr, path, `${args[0]} ${name}`)
      }
    }
    const largest = profile('SCMP_ACT_ALLOW', [{ names: ['keyctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 4095 }])
    t.equal(runProbe(t, box, ['say:alive'], largest).text('say:alive'), 'alive')
  },
)

scenario('a defaultErrnoRet is ignored where nothing is denied', { peers: { crun: 'refuses it' } }, (t, box) => {
  for (const action of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']) {
    const patch = profile(action, [{ names: ['keyctl'], action: 'SCMP_ACT_ERRNO' }], { defaultErrnoRet: 70000 })
    t.equal(runProbe(t, box, ['try:keyctl'], patch).text('try:keyctl'), 'EPERM', action)
    if (!isRunt) continue
    const result = box.call(['validate', box.bundle(patch, { name: `validate-${action}` }).dir])
    t.equal(result.status, 0, action)
    t.match(result.stdout, `warning: linux.seccomp.defaultErrnoRet: is ignored with ${action}`)
  }
})

scenario('an unknown action, operator or flag is refused', {}, (t, box) => {
  for (const [name, patch] of [
    ['action', profile('SCMP_ACT_ALLOW', [{ names: ['keyctl'], action: 'SCMP_ACT_MAYBE' }])],
    [
      'operator',
      profile('SCMP_ACT_ALLOW', [
        { names: ['keyctl'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'X' }] },
      ]),
    ],
    [
      'index',
      profile('SCMP_ACT_ALLOW', [
        { names: ['keyctl'], action: 'SCMP_ACT_ERRNO', args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] },
      ]),
    ],
    ['architecture', profile('SCMP_ACT_ALLOW', [], { architectures: ['SCMP_ARCH_PDP11'] })],
  ] as const) {
    const bundle = box.bundle(patch, { name })
    t.not(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0, name)
  }
})
