/* run and create with a fault at every step and call: see trials.ts. */
import type { Patch } from '../../harness/bundle.ts'
import { probing } from '../../harness/probe.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'
import { difference, guards, topics } from './guards.ts'
import { type Fault, needsFaults, timeout } from './points.ts'
import { strike } from './trials.ts'

const mapping = [{ containerID: 0, hostID: 100_000, size: 65536 }]
const hook = [{ path: '/bin/true' }]
const filter = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] }
const user = { uid: 1000, gid: 1000, additionalGids: [5] }

const configs: Readonly<Record<string, Patch>> = {
  'a seccomp filter and a user': { process: { user }, linux: { seccomp: filter } },
  'a user namespace': {
    process: { user },
    linux: {
      uidMappings: mapping,
      gidMappings: mapping,
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((type) => ({ type })),
    },
  },
  hooks: {
    hooks: Object.fromEntries(
      ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((k) => [k, hook]),
    ),
  },
  'a terminal': { process: { terminal: true } },
}

const shareOf = (name: string): number => (name.startsWith('a seccomp') ? 5 : 17)

for (const [name, patch] of Object.entries(configs)) {
  scenario(`run with ${name}`, { skip: needsFaults(), timeout }, async (t, box: Box) => {
    const bundle = box.bundle(probing(topics, patch))
    // --debug: a failed poststop hook is a warning, which otherwise is only in the log.
    const command = (id: string): readonly string[] => [
      ...(name === 'hooks' ? ['--debug'] : []),
      'run',
      '--bundle',
      bundle.dir,
      id,
    ]
    const normal = guards(box.call(command(box.id())))
    const check = (_: string, result: Result, { point }: Fault): string | undefined => {
      // Input that cannot be read from the terminal, and output that cannot be written, is lost: the container
      // continues.
      if (name === 'a terminal' && point.list === 'call') return undefined
      return difference(guards(result), normal)
    }
    await strike(t, box, {
      name,
      lists: ['runtime', 'container', 'call', 'init'],
      faults: { share: shareOf(name) },
      command,
      check,
      cleans: 'itself',
    })
  })
}
