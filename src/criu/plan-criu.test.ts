/* The plan of `restore`: what is open when it resolves a name, and the order in which it creates what CRIU needs. */
import t from 'tap'
import { stringify } from '../config/json.ts'
import { parseConfig } from '../config/parse-config.ts'
import { configWith } from '../plan/fixtures/cases.ts'
import { unifiedHost } from '../plan/fixtures/hosts.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCgroups } from '../plan/plan.ts'
import { forgotten, undeclared } from '../plan/testing/open-slots.ts'
import type { LaunchPlan, StepOf } from '../steps/launch-plan.ts'
import { createSlots } from '../steps/slots.ts'
import { planDump, planRestore } from './plan-criu.ts'
import type { StagedMount } from './staged-mounts.ts'

const bind = (destination: string, source: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options,
})

function restored(): LaunchPlan {
  const binds = [bind('/data', 'data', 'rbind'), bind('/data/sub', '/sub', 'bind'), bind('/link', '/l', 'copy-symlink')]
  const { config } = parseConfig(stringify(configWith({ mounts: binds })), 'config.json')
  const slots = createSlots()
  const made = {
    id: 'web',
    stateDirectory: '/run/runt/web',
    claims: '/run/runt.lock',
    systemd: undefined,
    threaded: undefined,
  }
  const { cgroup } = planCgroups(config, hostFacts(unifiedHost), made, slots)
  const mounts: StagedMount[] = [{ from: 'mounts[0]', point: '/srv', attributes: [{ set: 1, clear: 0 }] }]
  const root = { rootfs: '/bundle/rootfs', bundle: '/bundle', links: new Map([['/l', 'target']]), staging: '/run/runt' }
  return planRestore({ path: '/bin' }, config, { ...root, mounts, cgroup, namespaces: ['/run/netns/a'] }, slots)
}

t.test('nothing undeclared is open where restore and checkpoint resolve a name', async (t) => {
  const dump = planDump({ path: '/bin' }, { images: '/i', group: 7 }, createSlots())
  for (const plan of [restored(), dump]) {
    t.same(undeclared(plan), [])
    t.same(forgotten(plan), [])
  }
  const plan = restored()
  const open = { ...plan, containerSteps: plan.containerSteps.filter(({ op }) => op !== 'close_temporaries') }
  t.not(undeclared(open).length, 0, 'the rule notices what is left open')
})

t.test('mounts that make mount points are gone when CRIU begins', async (t) => {
  const steps = restored().containerSteps
  const at = (op: string, ...pick: readonly (readonly [string, unknown])[]) =>
    steps.findIndex((step) => step.op === op && pick.every(([key, value]) => (step as never)[key] === value))
  const gone = at('umount2', ['path', '/bundle/rootfs'])
  t.ok(at('openat2', ['path', '/data']) < at('openat2', ['path', '/data/sub']), 'in the order of the config')
  t.ok(at('openat2', ['path', '/data/sub']) < gone && gone < at('execve'))
  t.ok(
    steps.slice(gone).some(({ op }) => op === 'move_mount'),
    'and the root is a mount again',
  )
  t.equal(at('openat2', ['path', '/link']), -1, 'a copied link has none')
  t.equal((steps[at('open_tree', ['path', '/srv'])] as StepOf<'open_tree'>).resolve, 2 | 4, 'through no link')
  t.ok(at('move_mount', ['path', '/run/runt']) < at('open_tree', ['path', '/bundle/rootfs']))
})
