import t from 'tap'
import { countEdits, suggest } from './suggest.ts'

t.test('the nearest name, if it is near', (t) => {
  const names = ['hostname', 'hooks', 'mounts', 'process', 'args']
  t.equal(suggest('hostnme', names), 'hostname')
  t.equal(suggest('Mount', names), 'mounts')
  t.equal(suggest('arg', names), 'args')
  t.equal(suggest('host', names), 'hostname', 'the only one that begins with it')
  t.equal(suggest('ho', names), undefined)
  t.equal(suggest('net_admin', ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN']), 'CAP_NET_ADMIN')
  t.equal(suggest('SCMP_ACT_ALOW', ['SCMP_ACT_KILL', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']), 'SCMP_ACT_ALLOW')
  t.equal(suggest('CAP_FLY', ['CAP_KILL', 'CAP_CHOWN']), undefined, 'a common prefix does not count')
  t.equal(suggest('linux', names), undefined)
  t.equal(suggest('x', names), undefined)
  t.end()
})

t.test('edits', (t) => {
  for (const [a, b, edits] of [
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['bundle', 'bundel', 2],
  ] as const) {
    t.equal(countEdits(a, b), edits)
    t.equal(countEdits(b, a), edits)
  }
  t.end()
})
