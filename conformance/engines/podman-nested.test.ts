/*
 * Podman in a privileged container of Podman, with the runtime under test inside and outside.
 */
import type { EngineBox } from './engine.ts'
import {
  archive,
  cgroupNamespaces,
  coverCgroups,
  leaveRoot,
  livesInside,
  type Nested,
  needsLimits,
  outerOptions,
  startInner,
} from './nested.ts'
import { must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

function startOuter(box: EngineBox, ...more: readonly string[]): Nested {
  const name = box.name()
  const options = [...outerOptions(box, { etc: 'containers', store: 'containers' }), '--tmpfs', '/var/tmp', ...more]
  const outer = must(box, ['run', '--detach', '--init', '--name', name, ...options, image, 'sleep', '1000'])
  const shell = (script: string): string => must(box, ['exec', name, 'sh', '-c', script])
  shell(leaveRoot)
  const call = (...args: readonly string[]) => podman(box, ['exec', name, 'podman', ...args])
  call('import', '--change', 'CMD ["sh"]', archive, image)
  return { outer, call, shell, image }
}

for (const from of cgroupNamespaces) {
  podmanTest(`Podman in Podman, --cgroupns=${from}`, { skip: needsLimits }, (t, box) =>
    livesInside(t, box, startOuter(box, '--cgroupns', from)),
  )
}

const listed = 'takes a covered hierarchy for one that is there'

const covered = { skip: needsLimits, peers: { runc: listed, crun: listed } }

podmanTest('Podman in Podman, where some hierarchies cover all others', covered, (t, box) => {
  const nested = startOuter(box)
  nested.shell(coverCgroups)
  livesInside(t, box, nested)
})

podmanTest('the outer container is removed while the inner one runs', { skip: needsLimits }, async (t, box) => {
  const nested = startOuter(box)
  startInner(nested)
  must(box, ['rm', '--force', '--time', '0', '--volumes', nested.outer])
  t.not(podman(box, ['container', 'exists', nested.outer]).status, 0, 'and the frame finds nothing left')
})
