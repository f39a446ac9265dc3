/*
 * The package's public names. Inside the package, import from the file that defines a name.
 */
export type { ActionName } from './actions.ts'
export { describeAction } from './actions.ts'
export type { Architecture, ArchitectureName } from './architectures.ts'
export { ARCHITECTURES, architectureOf } from './architectures.ts'
export type { CompiledFilter, CompileOptions, CompileResult, DeniedCall, RejectedProfile } from './compile.ts'
export { compileSeccomp } from './compile.ts'
export { disassemble } from './disassemble.ts'
export type { Call, DecidedBy, Explanation } from './explain.ts'
export { explainSyscall } from './explain.ts'
export type { Instruction } from './program.ts'
export { decodeFilter, MAX_INSTRUCTIONS } from './program.ts'
export type { Operator, Problem, Seccomp, SeccompArg, SeccompSyscall } from './seccomp.ts'
export type { Simulation, SyscallRecord } from './simulate.ts'
export { simulate } from './simulate.ts'
export { syscallName, syscallNames, syscallNumber } from './syscalls.ts'
