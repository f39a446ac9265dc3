/* Faults of the kinds that were found with this tool, at every place where they can be. */
import { probing } from '../harness/probe.ts'
import { type Box, scenario } from '../harness/scenario.ts'
import { type Fault, needsFaults } from './points.ts'
import { strike } from './trials.ts'

const kinds: Readonly<Record<string, (fault: Fault) => boolean>> = {
  // Where a lock's close(2) failed, a container was left running. A descriptor is closed once.
  'close fails': ({ point, code }) => point.name === 'close' && code === 'EIO',
  // A state directory that could not be locked was left. Cgroups that could not be read were taken for free ones.
  'there are no more descriptors': ({ point, code }) => /^open/.test(point.name) && code === 'EMFILE',
  // Init was started without a descriptor, whose number the next one had.
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
