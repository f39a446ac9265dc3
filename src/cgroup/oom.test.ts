import t from 'tap'
import { isUnpopulated, oomKills, oomWatch } from './oom.ts'

t.test('the file that reports OOM kills, on v1 and v2', (t) => {
  t.same(oomWatch({ memory: '/m/web', '': '/u/web' }), {
    version: 1,
    file: '/m/web/memory.oom_control',
    control: '/m/web/cgroup.event_control',
  })
  t.same(oomWatch({ '': '/u/web' }), { version: 2, file: '/u/web/memory.events' })
  t.equal(oomWatch({ pids: '/p/web' }), undefined)
  t.end()
})

t.test('its text', (t) => {
  t.equal(oomKills('low 0\nhigh 0\nmax 29\noom 3\noom_kill 2\noom_group_kill 0\n'), 2n)
  t.equal(oomKills('oom_kill_disable 0\nunder_oom 0\noom_kill 1\n'), 1n)
  t.equal(oomKills(''), 0n)
  t.equal(isUnpopulated('populated 0\nfrozen 0\n'), true)
  t.equal(isUnpopulated('populated 1\nfrozen 0\n'), false)
  t.end()
})
