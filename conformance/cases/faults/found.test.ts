/* Faults of the kinds that this tool has found, at every place where they can occur. */
import { probing } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'
import { type Fault, needsFaults } from './points.ts'
import { strike } from './trials.ts'

const kinds: Readonly<Record<string, (fault: Fault) => boolean>> = {
  // After a failed close(2) of a lock, a container was left running. A descriptor must be closed only once.
  'close fails': ({ point, code }) => point.name === 'close' && code === 'EIO',
  // A state directory that could not be locked was left behind. Cgroups that could not be read were treated as free.
  'there are no more descriptors': ({ point, code }) => /^open/.test(point.name) && code === 'EMFILE',
  // Init was started without a descriptor, whose number was reused for the next one.
  'a descriptor cannot be handed over': ({ point, code }) => point.name === 'fcntl' && code === 'EPERM',
}

for (const [name, only] of Object.entries(kinds)) {
  scenario(`create: ${name}`, { skip: needsFaults() }, async (t, box: Box) => {
    const bundle = box.bundle(probing([]))
    await strike(t, box, {
      name,
      lists: ['call', 'init'],
      faults: { only },
      command: (id) => ['create', '--bundle', bundle.dir, id],
      follow: (id) => box.call(['start', id]),
      check: () => undefined,
      cleans: 'itself',
    })
  })
}
