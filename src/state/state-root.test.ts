import t from 'tap'
import type { Native } from '../native.ts'
import { checkId, idProblem, stateRoot } from './state-root.ts'

/** The part of the addon that determines the state root. */
const surroundings = (euid: number, env: Readonly<Record<string, string>>, namespace = 'user:[4026531837]'): Native =>
  ({
    euid: () => euid,
    env: (name: string) => env[name],
    cwd: () => '/here',
    readLink: () => namespace,
  }) as unknown as Native

t.test('where the state is', async (t) => {
  const session = { XDG_RUNTIME_DIR: '/run/user/1000' }
  const user = { ...session, USER: 'jane' }
  const inner = 'user:[4026532202]'
  for (const [what, native, option, path, isDefault] of [
    ['--root', surroundings(1000, user), '/x', '/x', false],
    ['--root, relative', surroundings(0, {}), 'x/y', '/here/x/y', false],
    ['root', surroundings(0, {}), undefined, '/run/runt', true],
    ['root, called with sudo', surroundings(0, { ...user, USER: 'root' }), undefined, '/run/runt', true],
    ['a user', surroundings(1000, user), undefined, '/run/user/1000/runt', true],
    ['a user without a session', surroundings(1000, {}), undefined, '/run/runt', true],
    ['root, in a user’s session', surroundings(0, user), undefined, '/run/runt', true],
    ['root of a user namespace', surroundings(0, user, inner), undefined, '/run/user/1000/runt', true],
    ['the same for an engine', surroundings(0, session, inner), undefined, '/run/user/1000/runt', true],
    ['who calls itself root', surroundings(0, { ...user, USER: 'root' }, inner), undefined, '/run/runt', true],
  ] as const) {
    t.match(stateRoot(native, option), { path, isDefault }, what)
  }
  t.throws(() => stateRoot(surroundings(0, {}), ''), {
    code: 'usage',
    message: '--root is empty: it must name a directory',
  })
  t.equal(stateRoot(surroundings(1000, user), undefined).mode, 0o1700, 'the sticky bit keeps cleaners away')
})

t.test('ids', async (t) => {
  for (const id of ['a', 'web-1', 'A_b+c.d-9', '...', 'x'.repeat(1024)]) t.equal(idProblem(id), undefined, id)
  for (const id of ['', '.', '..', 'a/b', '/', 'a b', 'ä', 'a\n', '../x', 'a\0', 'x'.repeat(1025)]) {
    t.type(idProblem(id), 'string', JSON.stringify(id))
    t.throws(() => checkId(id), { code: 'usage', message: /^invalid container id / })
  }
})
