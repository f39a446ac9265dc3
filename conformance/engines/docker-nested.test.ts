/*
 * Docker in a privileged container of Docker, with the runtime under test inside and outside.
 */
import { docker, dockerTest, image, must, privilegedPeers } from './docker.ts'
import { type EngineBox, eventually } from './engine.ts'
import {
  archive,
  cgroupNamespaces,
  leaveRoot,
  livesInside,
  type Nested,
  needsLimits,
  outerOptions,
  startInner,
} from './nested.ts'

/** The inner daemon has no network: neither a bridge nor a firewall of its own. */
const daemon = `${leaveRoot}; exec dockerd --iptables=false --ip6tables=false --bridge=none`

async function startOuter(box: EngineBox, ...more: readonly string[]): Promise<Nested> {
  const name = `c-${box.name()}`
  const options = [...outerOptions(box, { etc: 'docker', store: 'docker' }), '--network', 'none', ...more]
  const outer = must(box, ['run', '--detach', '--name', name, ...options, image, 'sh', '-c', daemon])
  const call = (...args: readonly string[]) => docker(box, ['exec', name, 'docker', ...args])
  await eventually(() => call('version').status === 0, 'the inner daemon')
  call('import', '--change', 'CMD ["sh"]', archive, image)
  return { outer, call, shell: (script) => must(box, ['exec', name, 'sh', '-c', script]), image }
}

const options = { skip: needsLimits, peers: privilegedPeers }

for (const from of cgroupNamespaces) {
  dockerTest(`Docker in Docker, --cgroupns=${from}`, options, async (t, box) =>
    livesInside(t, box, await startOuter(box, '--cgroupns', from)),
  )
}

dockerTest('the outer container is removed while the inner one runs', options, async (t, box) => {
  const nested = await startOuter(box)
  startInner(nested)
  must(box, ['rm', '--force', '--volumes', nested.outer])
  t.not(docker(box, ['inspect', nested.outer]).status, 0, 'and the frame finds nothing left')
})
