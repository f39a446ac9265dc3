/*
 * linux.memoryPolicy (config-linux.md, "Memory policy"): numa_maps(5) of the process shows the policy it was started with.
 */
import { existsSync } from 'node:fs'
import { runProbe } from '../../harness/probe.ts'
import { needsFile } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const maps = 'file:/proc/self/numa_maps'
const peers = { runc: '1.1 has no memoryPolicy', crun: '1.8 has no memoryPolicy' }
const skip = needsFile('/proc/self/numa_maps')

for (const [memoryPolicy, expected] of [
  [{ mode: 'MPOL_BIND', nodes: '0' }, /^[0-9a-f]+ bind:0 /m],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, /^[0-9a-f]+ bind=static:0 /m],
  [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, /^[0-9a-f]+ interleave=relative:0 /m],
  [{ mode: 'MPOL_PREFERRED', nodes: '0' }, /^[0-9a-f]+ prefer:0 /m],
  [{ mode: 'MPOL_LOCAL' }, /^[0-9a-f]+ local /m],
  [{ mode: 'MPOL_DEFAULT' }, /^[0-9a-f]+ default /m],
] as const) {
  scenario(`memory policy ${JSON.stringify(memoryPolicy)}`, { peers, skip }, (t, box) => {
    t.match(runProbe(t, box, [maps], { linux: { memoryPolicy } }).text(maps), expected)
  })
}

scenario('a node that does not exist is an error', { peers, skip }, (t, box) => {
  if (existsSync('/sys/devices/system/node/node63')) return t.comment('the machine has it')
  const bundle = box.bundle({ linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '63' } } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /linux\.memoryPolicy: set_mempolicy: EINVAL/)
})
