import fc from 'fast-check'
import t from 'tap'
import { crowdedArguments, crowdedProfile } from '../test/crowded-profile.ts'
import { describe, differential } from '../test/differential.ts'
import { dockerDefault } from '../test/docker-default.ts'
import { agreement, exportAll, libseccompAction } from '../test/libseccomp.ts'
import { evaluate } from '../test/naive.ts'
import { libseccompProgram } from '../test/programs.ts'
import { architecturesLike, NAMES, profileFor, recordsFor } from '../test/random-profile.ts'
import { ARCHITECTURES, type ArchitectureName } from './architectures.ts'
import { compileSeccomp } from './compile.ts'
import { decodeFilter } from './program.ts'
import { simulate } from './simulate.ts'
import { syscallNumber } from './syscalls.ts'

/** Fixed, so that a build does not fail by chance; `npm run differential` uses another one each time. */
const seed = Number(process.env.SEED ?? 1)

t.test('a call reported as denied is denied with any arguments', async (t) => {
  const native = fc.constantFrom(...(Object.keys(ARCHITECTURES) as ArchitectureName[]))
  const cases = native.chain((arch) => profileFor(architecturesLike(arch)).map((profile) => ({ arch, profile })))
  let told = 0
  fc.assert(
    fc.property(cases, fc.integer(), ({ arch, profile }, salt) => {
      const { audit, endian, table } = ARCHITECTURES[arch]
      const result = compileSeccomp(profile, { arch, needed: NAMES })
      // Call 0 of s390 stands for others; the action of a rule for a call behind socketcall or ipc may change.
      if (!('filter' in result) || table.startsWith('s390')) return
      const program = decodeFilter(result.filter, endian)
      const records = recordsFor(profile, arch, salt, 100)
      for (const { name, action } of result.denied) {
        told += 1
        const number = syscallNumber(ARCHITECTURES[arch], name)
        for (const { args } of records)
          if (simulate(program, { arch: audit, number, args }, endian).action !== action)
            throw new Error(`${name} ${number}: not always ${action.toString(16)}`)
      }
    }),
    { numRuns: 300, seed },
  )
  t.ok(told > 1000, `${told} calls`)
})

t.test('a filter implements the profile where the profile is unambiguous', async (t) => {
  t.comment(`seed ${seed}`)
  const native = fc.constantFrom(...(Object.keys(ARCHITECTURES) as ArchitectureName[]))
  const cases = native.chain((arch) => profileFor(architecturesLike(arch)).map((profile) => ({ arch, profile })))
  fc.assert(
    fc.property(cases, fc.integer(), ({ arch, profile }, salt) => {
      const result = compileSeccomp(profile, { arch })
      if (!('filter' in result)) return
      const { endian } = ARCHITECTURES[arch]
      const program = decodeFilter(result.filter, endian)
      for (const record of recordsFor(profile, arch, salt, 100)) {
        const literal = evaluate(profile, arch, record)
        const { action } = simulate(program, record, endian)
        if (literal !== undefined && action !== literal)
          throw new Error(`${action.toString(16)} not ${literal.toString(16)}`)
      }
    }),
    { numRuns: 500, seed },
  )
  t.pass()
})

t.test('a filter with many conditions on one argument implements the profile', async (t) => {
  const native = fc.constantFrom<ArchitectureName>('SCMP_ARCH_ARM', 'SCMP_ARCH_RISCV64', 'SCMP_ARCH_PPC64')
  let compared = 0
  fc.assert(
    fc.property(native, crowdedProfile, (arch, profile) => {
      const result = compileSeccomp(profile, { arch })
      if (!('filter' in result)) return
      const { audit, endian } = ARCHITECTURES[arch]
      const program = decodeFilter(result.filter, endian)
      for (const name of ['ioctl', 'prctl'])
        for (const args of crowdedArguments) {
          const record = { arch: audit, number: syscallNumber(ARCHITECTURES[arch], name), args }
          const literal = evaluate(profile, arch, record)
          const { action } = simulate(program, record, endian)
          if (literal === undefined) continue
          compared += 1
          if (action !== literal) throw new Error(`${name} ${args}: ${action.toString(16)} not ${literal.toString(16)}`)
        }
    }),
    { numRuns: 500, seed },
  )
  t.ok(compared > 80000, `${compared} calls`)
})

const program = libseccompProgram()

t.test(
  'a filter does what libseccomp’s does under runc',
  { skip: 'missing' in program && program.missing },
  async (t) => {
    const path = 'path' in program ? program.path : ''
    const { names, archs } = agreement(path, NAMES)
    const tally = differential(path, 500, seed, 150, archs, names)
    t.comment(`seed ${seed}, ${tally.version}, ${tally.profiles} profiles, ${tally.calls} calls`)
    t.same(tally.differences.map(describe), [])
    t.ok(tally.refused < tally.profiles / 10, 'most profiles are accepted')
  },
)

t.test('Docker’s default profile, call by call', { skip: 'missing' in program && program.missing }, async (t) => {
  const path = 'path' in program ? program.path : ''
  const native = 'SCMP_ARCH_X86_64'
  // Without the few calls that this libseccomp does not know, or knows on fewer architectures.
  const entries = dockerDefault.syscalls ?? []
  const { names } = agreement(
    path,
    entries.flatMap((entry) => entry.names),
  )
  const syscalls = entries.map((entry) => ({ ...entry, names: entry.names.filter((name) => names.includes(name)) }))
  const profile = { ...dockerDefault, syscalls }
  const [exported] = exportAll(path, [{ profile, native }]).results
  const result = compileSeccomp(profile, { arch: native })
  if (!('filter' in result) || exported?.program === undefined) throw new Error('not compiled')
  const own = decodeFilter(result.filter, 'little')
  const values = [0n, 1n, 8n, 40n, 0x20000n, 0x20008n, 0xffffffffn, 1n << 32n, 0x7e020000n, 0x10000000n]
  for (const name of dockerDefault.architectures ?? [])
    for (let slot = 0; slot < 600; slot++)
      for (const value of values) {
        const record = { arch: ARCHITECTURES[name].audit, number: ARCHITECTURES[name].base + slot, args: [value] }
        const { action, executed } = simulate(own, record)
        if (action !== libseccompAction(profile, native, exported, record))
          t.fail(`${name} ${slot} ${value}: ${action}`)
        if (executed > simulate(exported.program, record).executed)
          t.fail(`${name} ${slot} ${value}: ${executed} instructions`)
      }
})
