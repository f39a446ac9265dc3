/*
 * The numbers of the README: `npm run bench`. Docker's default profile, compiled here and by libseccomp in its default and
 * its binary-tree mode: filter size, executed instructions for every call (simulated), and real time (in the kernel here).
 */
import { execFileSync } from 'node:child_process'
import { ARCHITECTURES, type ArchitectureName } from '../src/architectures.ts'
import { compileSeccomp } from '../src/compile.ts'
import { decodeFilter, type Instruction } from '../src/program.ts'
import type { Seccomp } from '../src/seccomp.ts'
import { simulate } from '../src/simulate.ts'
import { syscallNames, syscallNumber } from '../src/syscalls.ts'
import { dockerDefault } from '../test/docker-default.ts'
import { exportAll } from '../test/libseccomp.ts'
import { kernelProgram, libseccompProgram } from '../test/programs.ts'

const NATIVE = 'SCMP_ARCH_X86_64'
/** What runc executes before libseccomp's filter for a call that its -ENOSYS rule lets pass: six instructions. */
const RUNC_STUB = 6

/** A profile's filters, by compiler. */
type Filters = Readonly<Record<string, readonly Instruction[]>>

const filtersOf = (profile: Seccomp): Filters => {
  const own = compileSeccomp(profile, { arch: NATIVE })
  const program = libseccompProgram()
  if (!('filter' in own)) throw new Error(JSON.stringify(own.problems))
  if ('missing' in program) throw new Error(program.missing)
  const export_ = (mode: number) =>
    exportAll(program.path, [{ profile, native: NATIVE }], mode).results[0]?.program ?? []
  return {
    'seccomp-bpf-js': decodeFilter(own.filter, 'little'),
    'libseccomp default': export_(1),
    'libseccomp binary tree': export_(2),
  }
}

const round = (value: number) => Math.round(value * 100) / 100

const executedBy = (program: readonly Instruction[], arch: ArchitectureName): number[] => {
  const { audit } = ARCHITECTURES[arch]
  const numbers = syscallNames().map((name) => syscallNumber(ARCHITECTURES[arch], name))
  return numbers
    .filter((number) => number >= 0)
    .map((number) => simulate(program, { arch: audit, number, args: [] }, 'little').executed)
}

const printExecuted = (filters: Filters): void => {
  for (const arch of dockerDefault.architectures ?? []) {
    const own = executedBy(filters['seccomp-bpf-js'] ?? [], arch)
    for (const [maker, program] of Object.entries(filters)) {
      const executed = executedBy(program, arch)
      const mean = round(executed.reduce((sum, each) => sum + each, 0) / executed.length)
      const worse = executed.filter((each, i) => (own[i] as number) > each).length
      const runc = maker.startsWith('libseccomp') ? `, under runc ${round(mean + RUNC_STUB)}` : ''
      console.log(
        `${arch} ${maker}: mean ${mean}${runc}, worst ${Math.max(...executed)}; cheaper than ours on ${worse} of ${executed.length}`,
      )
    }
  }
}

const hex = (program: readonly Instruction[]): string =>
  program
    .map(({ code, jt, jf, k }) => {
      const bytes = [code, 0, jt, jf, k & 255, (k >>> 8) & 255, (k >>> 16) & 255, k >>> 24]
      return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
    })
    .join('')

/**
 * Best of seven runs and three rounds, with the filters in turns, so that other load of the machine affects all of
 * them.
 */
const printTimes = (filters: Filters, title: string, number: number): void => {
  const program = kernelProgram()
  if ('missing' in program) {
    console.log(program.missing)
    return
  }
  const all: Filters = { 'no rule, all allowed': [{ code: 6, jt: 0, jf: 0, k: 0x7fff0000 }], ...filters }
  const best: Record<string, number> = {}
  for (let i = 0; i < 3; i++)
    for (const [maker, filter] of Object.entries(all)) {
      const input = `filter ${hex(filter)}\ntime ${number} 200000\n`
      const time = Number(execFileSync(program.path, { input, encoding: 'latin1' }))
      best[maker] = Math.min(best[maker] ?? time, time)
    }
  const times = Object.entries(best).map(([maker, time]) => `${maker} ${round(time)}`)
  console.log(`${title}, ns: ${times.join('; ')}`)
}

/** getppid with a condition, so that the kernel cannot answer it from its bitmap and runs the filter each time. */
const conditional: Seccomp = {
  ...dockerDefault,
  syscalls: [
    ...(dockerDefault.syscalls ?? []).map((entry) => ({
      ...entry,
      names: entry.names.filter((name) => name !== 'getppid'),
    })),
    { names: ['getppid'], action: 'SCMP_ACT_ALLOW', args: [{ index: 5, value: 1, op: 'SCMP_CMP_NE' }] },
  ],
}

const filters = filtersOf(dockerDefault)
for (const [maker, program] of Object.entries(filters)) console.log(`${maker}: ${program.length} instructions`)
printExecuted(filters)
const number = syscallNumber(ARCHITECTURES[NATIVE], 'getppid')
printTimes(filters, 'getppid, allowed by number', number)
printTimes(filtersOf(conditional), 'getppid, under a condition', number)
printTimes(filters, 'mount, refused', syscallNumber(ARCHITECTURES[NATIVE], 'mount'))
