/*
 * Tests device filters of cgroup v2 by what a process in the cgroup can open. Any v2 hierarchy will do, also beside v1.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { deviceRules, PLAIN_DEVICES } from '../../src/cgroup/device-rules.ts'
import { ALLOW_ALL, compileDeviceProgram } from '../../src/cgroup/v2/device-program.ts'
import { native } from '../../src/entry/node.ts'

const O_PATH = 0o10000000
const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .find((line) => line.includes(' - cgroup2 '))
  ?.split(' ')[4]
const skip = process.getuid?.() !== 0 ? 'not root' : mounted === undefined ? 'no cgroup v2' : false

t.test('a program is attached, and replaced by another', { skip }, async (t) => {
  const directory = join(mounted ?? '', `runt-filter-${process.pid}`)
  mkdirSync(directory)
  t.teardown(() => rmdirSync(directory))
  const from = 'linux.resources.devices'
  const attach = (program: Uint8Array, replace: number): string =>
    native.launch({
      slots: ['sync', 'cgroup'],
      runtimeSteps: [
        { op: 'openat2', from, path: directory, flags: O_PATH, into: 1 },
        { op: 'bpf_prog_attach', from, cgroup: 1, program, replace },
      ],
      containerSteps: [],
    }).kind
  const opens = (path: string): boolean => {
    const script = `echo $$ >${directory}/cgroup.procs; test -w ${directory} || exit 9; : <${path}`
    return spawnSync('sh', ['-c', script]).status === 0
  }
  const plain = compileDeviceProgram(deviceRules(PLAIN_DEVICES)) as Uint8Array
  const kernelLog = '/dev/kmsg'
  t.ok(opens(kernelLog), 'without a program')
  t.equal(attach(plain, 0), 'done')
  t.notOk(opens(kernelLog), 'a device that is not allowed')
  t.ok(opens('/dev/null'), 'a default device')
  t.equal(attach(ALLOW_ALL, 1), 'done')
  t.ok(opens(kernelLog), 'the old program is gone')
  t.equal(attach(plain, 1), 'done')
  t.notOk(opens(kernelLog))
})
