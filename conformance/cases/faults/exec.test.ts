/* exec with a fault at every step and call: the process is as without the fault, or does not run; see trials.ts. */
import { probing } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'
import { difference, guards, topics } from './guards.ts'
import { type Fault, needsFaults, timeout } from './points.ts'
import { strike } from './trials.ts'

const mapping = [{ containerID: 0, hostID: 100_000, size: 65536 }]
const filter = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] }

const cases = {
  exec: { linux: { seccomp: filter }, flags: ['--user', '1000:1000', '--additional-gids', '5'], share: 7 },
  'exec with a user namespace': {
    linux: {
      uidMappings: mapping,
      gidMappings: mapping,
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    },
    flags: [],
    share: 13,
  },
  'exec with a terminal': { linux: {}, flags: ['--tty'], share: 13 },
}

for (const [name, { linux, flags, share }] of Object.entries(cases)) {
  scenario(name, { skip: needsFaults(), timeout }, async (t, box: Box) => {
    const bundle = box.bundle(probing(['pause'], { linux }))
    const shared = box.id()
    const prepare = (id: string) => {
      box.call(['delete', '--force', id])
      box.call(['run', '--detach', '--bundle', bundle.dir, id])
    }
    const command = (id: string): readonly string[] => ['exec', ...flags, id, '/bin/probe', ...topics]
    prepare(shared)
    box.defer(() => box.call(['delete', '--force', shared]))
    const normal = guards(box.call(command(shared)))
    await strike(t, box, {
      name,
      lists: ['runtime', 'container', 'call', 'init'],
      faults: { share },
      shared,
      prepare,
      command,
      check: (_, result, { point }: Fault) =>
        // Input that cannot be read from the terminal, and output that cannot be written, is lost: the process
        // continues.
        name === 'exec with a terminal' && point.list === 'call' ? undefined : difference(guards(result), normal),
      cleans: 'itself',
    })
  })
}
