/*
 * Runs the C tests of the step handlers (steps_test.c), which print TAP: once with the runtime's handlers and the
 * sanitizers, and once with init's, static and small.
 */
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../conformance/harness/project.ts'

const skip = process.geteuid?.() === 0 ? false : 'needs root'
const build = join(projectRoot, process.env.RUNT_BUILD ?? 'build')
const env = { ...process.env, LD_PRELOAD: '' }

await t.spawn(join(build, 'steps-test'), [], { name: 'as in the runtime', skip, env })
await t.spawn(join(build, 'steps-test-init'), [], { name: 'as in init', skip, env })
