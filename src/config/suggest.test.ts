import t from 'tap'
import { suggest } from './suggest.ts'

t.test('the nearest name, if it is near', (t) => {
  const names = ['hostname', 'hooks', 'mounts', 'process', 'args']
  t.equal(suggest('hostnme', names), 'hostname')
  t.equal(suggest('Mount', names), 'mounts')
  t.equal(suggest('arg', names), 'args')
  t.equal(suggest('linux', names), undefined)
  t.equal(suggest('x', names), undefined)
  t.end()
})
