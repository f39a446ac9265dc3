// Compares the planner's constants with this machine's headers: compiles and runs a C program that prints them. A name
// that the headers lack is skipped and reported.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { capabilityNames, rlimitNames } from '../config/kernel-names.ts'
import { errnoText } from '../errno.ts'
import { memoryPolicyFlags, memoryPolicyModes } from '../plan/memory-policy.ts'
import {
  IOPRIO_CLASS_SHIFT,
  ioPriorityClasses,
  personalities,
  schedulerFlags,
  schedulerPolicies,
} from '../plan/process.ts'
import { signalNumber } from '../state/signals.ts'
import * as constants from './constants.ts'

const directory = mkdtempSync(join(tmpdir(), 'runt-constants-'))
t.teardown(() => rmSync(directory, { recursive: true }))

/** Compiles and runs a C program with these headers and this body of main. Returns its lines. */
function runC(name: string, headers: readonly string[], body: string): string[] {
  const program = join(directory, name)
  const includes = headers.map((header) => `#include <${header}>\n`).join('')
  writeFileSync(`${program}.c`, `#define _GNU_SOURCE\n#include <stdio.h>\n${includes}int main(void) {\n${body}}\n`)
  execFileSync('gcc', ['-w', '-o', program, `${program}.c`])
  return execFileSync(program, { encoding: 'utf8' }).split('\n').slice(0, -1)
}

/** Compares a table with the headers; `absent` lists names that older headers lack. */
function checkTable(
  name: string,
  headers: readonly string[],
  table: Readonly<Record<string, number>>,
  absent: readonly string[] = [],
): void {
  t.test(`${name}: the kernel's numbers`, (t) => {
    const names = Object.keys(table).filter((key) => !absent.includes(key))
    t.ok(names.length > 0)
    const body = names.map((key) => `  printf("%lld\\n", (long long)${key});\n`).join('')
    const numbers = runC(name.replaceAll(' ', '-'), headers, body)
    t.same(Object.fromEntries(names.map((key, i) => [key, Number(numbers[i])])), pick(table, names))
    for (const key of absent) t.comment(`not in the headers: ${key}`)
    t.end()
  })
}

const pick = (table: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number | undefined> =>
  Object.fromEntries(names.map((name) => [name, table[name]]))

const numbered = Object.fromEntries(
  Object.entries(constants).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
)
const group = (...prefixes: readonly string[]): Record<string, number> =>
  Object.fromEntries(Object.entries(numbered).filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))))

const mount = ['OPEN_TREE_', 'MOVE_MOUNT_', 'FSCONFIG_', 'MOUNT_ATTR_', 'MS_']
checkTable('files', ['fcntl.h', 'sys/stat.h'], group('O_', 'AT_', 'S_'))
checkTable('openat2', ['linux/openat2.h'], group('RESOLVE_'))
checkTable('mounts', ['fcntl.h', 'linux/mount.h'], group(...mount))
checkTable('umount', ['sys/mount.h'], group('MNT_', 'UMOUNT_'))
checkTable('clone', ['linux/sched.h'], group('CLONE_'))
checkTable('magic', ['linux/magic.h'], group('PROC_', 'DEVPTS_'))
checkTable('prctl', ['linux/prctl.h'], group('PR_SET_'))
checkTable('seccomp', ['linux/seccomp.h'], group('SECCOMP_'))
checkTable('errno', ['errno.h'], group('E'))
checkTable('capabilities', ['linux/capability.h'], Object.fromEntries(capabilityNames.map((name, i) => [name, i])))
checkTable('limits', ['asm/resource.h'], Object.fromEntries(rlimitNames.map((name, i) => [name, i])))
// Reserved and never implemented: the header only has a comment for it.
checkTable('scheduler', ['sched.h', 'linux/sched.h'], { ...schedulerPolicies, ...schedulerFlags }, [
  'SCHED_OTHER', // its kernel name, SCHED_NORMAL, is checked below
  'SCHED_ISO',
])
checkTable('memory policy', ['linux/mempolicy.h'], { ...memoryPolicyModes, ...memoryPolicyFlags }, [
  'MPOL_WEIGHTED_INTERLEAVE', // Linux 6.9
])
checkTable('signals', ['signal.h'], group('SIG'))
checkTable('io priority', ['linux/ioprio.h'], { ...ioPriorityClasses, IOPRIO_CLASS_SHIFT })

t.test('every constant is compared', (t) => {
  const compared = group(
    'O_',
    'AT_',
    'S_',
    'RESOLVE_',
    ...mount,
    'MNT_',
    'UMOUNT_',
    'CLONE_',
    'PROC_',
    'DEVPTS_',
    'PR_SET_',
    'SECCOMP_',
    'E',
    'SIG',
  )
  t.same(
    Object.keys(numbered).filter((name) => !(name in compared)),
    [],
  )
  t.end()
})

t.test('personalities and the ordinary policy', (t) => {
  const body = '  printf("%d\\n%d\\n%d\\n", PER_LINUX, PER_LINUX32, SCHED_NORMAL);\n'
  const numbers = runC('persona', ['linux/personality.h', 'linux/sched.h'], body).map(Number)
  t.same(numbers, [personalities.LINUX, personalities.LINUX32, schedulerPolicies.SCHED_OTHER])
  t.end()
})

t.test('makedev', (t) => {
  const pairs = [
    [1, 3],
    [10, 229],
    [253, 70000],
    [4095, 1048575],
    [5000, 1],
  ] as const
  const body = pairs.map(([major, minor]) => `  printf("%llu\\n", (unsigned long long)makedev(${major}, ${minor}));\n`)
  const numbers = runC('makedev', ['sys/sysmacros.h'], body.join('')).map(Number)
  t.same(
    pairs.map(([major, minor]) => constants.makedev(major, minor)),
    numbers,
  )
  t.end()
})

t.test('the texts of errors are the C library’s, in lower case', (t) => {
  const names = ['E2BIG', 'EACCES', 'EAGAIN', 'EBUSY', 'EEXIST', 'EINVAL', 'EIO', 'EISDIR', 'ELOOP', 'EMFILE', 'ENODEV']
  names.push(
    'ENOENT',
    'ENOEXEC',
    'ENOMEM',
    'ENOSPC',
    'ENOSYS',
    'ENOTDIR',
    'ENXIO',
    'EOPNOTSUPP',
    'EPERM',
    'EROFS',
    'ESRCH',
  )
  names.push('ESRCH', 'ETXTBSY', 'EUSERS', 'EXDEV', 'ERANGE', 'EPIPE', 'ENAMETOOLONG', 'ENOTEMPTY', 'EDQUOT')
  const body = names.map((name) => `  printf("%s\\n", strerror(${name}));\n`).join('')
  const texts = runC('strerror', ['errno.h', 'string.h'], body).map((text) => text.toLowerCase())
  t.same(names.map(errnoText), texts)
  t.end()
})

t.test('signals', (t) => {
  const names = ['HUP', 'INT', 'QUIT', 'ABRT', 'KILL', 'USR1', 'USR2', 'PIPE', 'TERM', 'CHLD', 'CONT', 'STOP', 'TSTP']
  names.push('WINCH', 'URG', 'IO', 'PWR', 'SYS', 'STKFLT', 'XCPU', 'XFSZ', 'PROF', 'VTALRM', 'TTIN', 'TTOU')
  const numbers = runC('signals', ['signal.h'], names.map((name) => `  printf("%d\\n", SIG${name});\n`).join(''))
  t.same(names.map(signalNumber), numbers.map(Number))
  t.end()
})
