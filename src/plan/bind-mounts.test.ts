import t from 'tap'
import { planWith } from './fixtures/plan-of.ts'
import { undeclared } from './testing/open-slots.ts'

const bind = (destination: string, source: string, more: object = {}) => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind'],
  ...more,
})
const ids = [{ containerID: 0, hostID: 1000, size: 10 }]
const mapped = { uidMappings: ids, gidMappings: ids }

/** How the last of these mounts is cloned: its source, and the side that clones it. */
function cloned(mounts: readonly ReturnType<typeof bind>[], root = 'rootfs') {
  const { plan } = planWith({ root: { path: root, readonly: true }, mounts: [...mounts] })
  t.same(undeclared(plan), [], 'nothing undeclared is open')
  const from = `mounts[${mounts.length - 1}]`
  for (const [side, steps] of [
    ['runtime', plan.runtimeSteps],
    ['container', plan.containerSteps],
  ] as const) {
    const step = steps.find((step) => step.op === 'open_tree' && step.from.startsWith(from))
    if (step?.op === 'open_tree')
      return { side, path: step.path, at: step.at === undefined ? undefined : plan.slots[Number(step.at)] }
  }
  return undefined
}

t.test('init clones a source below an earlier mount, from the root', (t) => {
  const inside = (path: string) => ({ side: 'container', path, at: 'root' })
  const outside = (path: string) => ({ side: 'runtime', path, at: undefined })
  for (const [source, expected, root] of [
    ['rootfs/a/b', inside('/a/b')],
    ['/bundle/rootfs/a', inside('/a')],
    ['/bundle//rootfs/./a/b/', inside('/a/b')],
    ['/srv/root/a/b', inside('/a/b'), '/srv/root/'],
    ['/bundle/rootfs/ab', outside('/bundle/rootfs/ab')],
    ['/bundle/rootfs', outside('/bundle/rootfs')],
    ['/bundle/rootfs2/a/b', outside('/bundle/rootfs2/a/b')],
    ['/a/b', outside('/a/b')],
    ['/bundle/rootfs/x/y', outside('/bundle/rootfs/x/y')],
  ] as const)
    t.same(cloned([bind('/a', '/s'), bind('/x', source, mapped)], root), expected, source)
  t.match(cloned([bind('/x', 'rootfs/a', mapped)]), { side: 'runtime' }, 'no mount is there')
  t.match(
    cloned([bind('/a', '/s'), bind('/x', 'rootfs/a/b')]),
    { side: 'container', path: '/bundle/rootfs/a/b' },
    'init sees it anyway',
  )
  t.end()
})
