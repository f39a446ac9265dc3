import t from 'tap'
import { busSockets, busTimeout } from './bus-address.ts'

const found = (kind: 'system' | 'user', variables: Readonly<Record<string, string>>) =>
  busSockets(kind, (name) => variables[name]).map(({ path, connection }) => `${connection} ${path}`)

t.test('the system bus', (t) => {
  t.same(found('system', {}), ['direct /run/systemd/private', 'bus /run/dbus/system_bus_socket'])
  t.same(found('system', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x', XDG_RUNTIME_DIR: '/y' }), found('system', {}))
  const several = 'tcp:host=a,port=1;unix:path=/a%20b,guid=0123;unix:guid=1,path=/c'
  t.same(found('system', { DBUS_SYSTEM_BUS_ADDRESS: several }), ['bus /a b', 'bus /c'])
  t.same(found('system', { DBUS_SYSTEM_BUS_ADDRESS: 'unix:abstract=/x' }), ['bus @/x'])
  for (const wrong of ['tcp:host=a', 'unix:tmpdir=/x', '/x', 'unix:', ';']) {
    t.throws(
      () => found('system', { DBUS_SYSTEM_BUS_ADDRESS: wrong }),
      { code: 'host', message: /DBUS_SYSTEM_BUS_ADDRESS: ".*" names no socket/ },
      wrong,
    )
  }
  t.end()
})

t.test('the user bus', (t) => {
  t.same(found('user', { XDG_RUNTIME_DIR: '/run/user/7' }), [
    'direct /run/user/7/systemd/private',
    'bus /run/user/7/bus',
  ])
  t.same(found('user', { XDG_RUNTIME_DIR: '/r', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/b' }), ['bus /b'])
  t.same(found('user', { XDG_RUNTIME_DIR: '/r', DBUS_SESSION_BUS_ADDRESS: 'unix:runtime=yes' }), ['bus /r/bus'])
  t.throws(() => found('user', {}), { message: /no user session.*DBUS_SESSION_BUS_ADDRESS.*XDG_RUNTIME_DIR/ })
  t.end()
})

t.test('the timeout', (t) => {
  t.equal(busTimeout('2'), 2000)
  t.equal(busTimeout('0.5'), 500)
  t.equal(busTimeout('250ms'), 250)
  t.equal(busTimeout('1 min'), 60_000)
  for (const wrong of [undefined, '', 'x', '-1', '5h']) t.equal(busTimeout(wrong), undefined)
  t.end()
})
