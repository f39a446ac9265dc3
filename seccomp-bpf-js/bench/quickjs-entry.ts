/* The script for quickjs-host.c: one compilation of Docker's default profile. */
import { compileSeccomp } from '../src/compile.ts'
import { dockerDefault } from '../test/docker-default.ts'

Reflect.set(globalThis, 'compile', () => {
  const result = compileSeccomp(dockerDefault, { arch: 'SCMP_ARCH_X86_64' })
  return 'filter' in result ? result.instructionCount : -1
})
