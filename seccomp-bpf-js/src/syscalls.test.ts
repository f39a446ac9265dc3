import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { agreement } from '../test/libseccomp.ts'
import { libseccompProgram } from '../test/programs.ts'
import { ARCHITECTURES, type ArchitectureName, architectureOf, X32_BIT } from './architectures.ts'
import { syscallName, syscallNames, syscallNumber } from './syscalls.ts'

const HEADERS = '/usr/include/x86_64-linux-gnu/asm'

/** `#define __NR_x n` of a kernel header; x32 numbers are written as __X32_SYSCALL_BIT + n. */
const headerNumbers = (file: string): [string, number][] =>
  [...readFileSync(file, 'latin1').matchAll(/^#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ (\d+)\)|(\d+))$/gm)].map(
    ([, name, x32, number]) => [name as string, x32 === undefined ? Number(number) : 0x40000000 + Number(x32)],
  )

for (const [file, arch] of [
  ['unistd_64.h', 'SCMP_ARCH_X86_64'],
  ['unistd_32.h', 'SCMP_ARCH_X86'],
  ['unistd_x32.h', 'SCMP_ARCH_X32'],
] as const) {
  const path = `${HEADERS}/${file}`
  t.test(`${arch} has every call of the kernel's ${file}`, { skip: !existsSync(path) && `no ${path}` }, async (t) => {
    const numbers = headerNumbers(path)
    t.ok(numbers.length > 300)
    for (const [name, number] of numbers)
      if (syscallNumber(ARCHITECTURES[arch], name) !== number) t.fail(`${name} is ${number}`)
  })
}

t.test('names and numbers belong together', async (t) => {
  for (const arch of Object.values(ARCHITECTURES))
    for (const name of syscallNames()) {
      const number = syscallNumber(arch, name)
      if (number >= 0 && syscallName(arch, number) !== name) t.fail(`${arch.name} ${name} ${number}`)
    }
  t.equal(syscallNumber(ARCHITECTURES.SCMP_ARCH_ARM, 'set_tls'), 983045)
  t.equal(syscallNumber(ARCHITECTURES.SCMP_ARCH_X86_64, 'toString'), -1)
})

const program = libseccompProgram()

t.test('the tables agree with the libseccomp here', { skip: 'missing' in program && program.missing }, async (t) => {
  const path = 'path' in program ? program.path : ''
  // An older libseccomp knows fewer calls; those it knows must have the same numbers.
  const { names, archs } = agreement(path, syscallNames())
  t.ok(names.length > 430, `${names.length} of ${syscallNames().length} names`)
  for (const arch of [
    'SCMP_ARCH_X86',
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X32',
    'SCMP_ARCH_S390X',
  ] satisfies ArchitectureName[])
    t.ok(archs.includes(arch), arch)
})

t.test('the architecture of a call, also where two have the same AUDIT_ARCH', (t) => {
  const { audit } = ARCHITECTURES.SCMP_ARCH_X86_64
  t.equal(architectureOf(audit, 59)?.name, 'SCMP_ARCH_X86_64')
  t.equal(architectureOf(audit, X32_BIT + 520)?.name, 'SCMP_ARCH_X32')
  t.equal(architectureOf(ARCHITECTURES.SCMP_ARCH_MIPS.audit)?.name, 'SCMP_ARCH_MIPS', 'without a number')
  t.equal(architectureOf(1), undefined)
  t.end()
})
