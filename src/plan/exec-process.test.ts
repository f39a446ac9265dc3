// The process of exec: from flags, from a file, and what it inherits from the container.

import t from 'tap'
import type { JsonObject } from '../config/json.ts'
import { stringify } from '../config/json.ts'
import { parseConfig, parseProcess } from '../config/parse-config.ts'
import { RuntError } from '../errors.ts'
import { fc } from '../testing/random.ts'
import { type ProcessFlags, processOfFile, processOfFlags } from './exec-process.ts'
import { configWith } from './fixtures/cases.ts'
import { noProcessFlags } from './fixtures/process-flags.ts'

const configOf = (process: JsonObject) => parseConfig(stringify(configWith({ process })), 'config.json').config
const byFlags = (flags: Partial<ProcessFlags>, process: JsonObject = {}) =>
  processOfFlags(configOf(process), { ...noProcessFlags, ...flags }, ['ls'])

t.test('user ids are numbers', (t) => {
  for (const [user, uid, gid] of [
    ['0', 0, 3],
    ['01', 1, 3],
    ['1:0', 1, 0],
    ['1000:1001', 1000, 1001],
    ['2147483648', 2147483648, 3],
    ['4294967294:4294967294', 4294967294, 4294967294],
  ] as const) {
    t.match(byFlags({ user }, { user: { uid: 0, gid: 3 } }).user, { uid, gid }, user)
  }
  for (const user of [
    '-1',
    '+1',
    '1:',
    ':1',
    '1:1:1',
    '4294967295',
    '99999999999',
    '0x10',
    '1e3',
    ' 1',
    'root',
    '1:tty',
  ]) {
    t.throws(
      () => byFlags({ user }),
      { code: 'usage', message: /^--user .*must be a number from 0 to 4294967294$/ },
      user,
    )
  }
  t.throws(() => byFlags({ 'additional-gids': ['tty'] }), { code: 'usage' })
  t.end()
})

t.test('flags add to the process of the container, or replace', (t) => {
  const process = byFlags(
    {
      env: ['A=2'],
      cwd: '/tmp',
      tty: true,
      'additional-gids': ['9'],
      'no-new-privs': true,
      apparmor: 'a',
      'process-label': 'l',
    },
    { env: ['A=1'], user: { additionalGids: [8] }, noNewPrivileges: false },
  )
  t.match(process, {
    args: ['ls'],
    env: ['A=1', 'A=2'],
    cwd: '/tmp',
    terminal: true,
    noNewPrivileges: true,
    apparmorProfile: 'a',
    selinuxLabel: 'l',
  })
  t.same(process.user.additionalGids, [8, 9])
  t.end()
})

t.test('a user consists of numbers only: CVE-2016-3697', (t) => {
  const LARGEST = 2 ** 32 - 2
  const word = fc.oneof(
    fc.constantFrom('0', '1', '01', '+1', '-1', '1e3', '0x10', ' 1', '1 ', '', 'root', '2147483648', '4294967294'),
    fc.constantFrom('4294967295', '4294967296', '18446744073709551616', '１', '1\0', '1\n'),
    fc.nat().map(String),
    fc.string({ maxLength: 5 }),
  )
  const id = (text: string): number | undefined =>
    /^[0-9]+$/.test(text) && text.length <= 10 && Number(text) <= LARGEST ? Number(text) : undefined
  const isRight = (uid: string, gid: string | undefined): boolean => {
    const user = gid === undefined ? uid : `${uid}:${gid}`
    const [first = '', ...rest] = user.split(':')
    const expected = [id(first), rest.length === 0 ? 7 : id(rest.join(':'))]
    try {
      const process = byFlags({ user }, { user: { uid: 5, gid: 7 } })
      return user === '' ? process.user.uid === 5 : process.user.uid === expected[0] && process.user.gid === expected[1]
    } catch (error) {
      return error instanceof RuntError && error.code === 'usage' && user !== '' && expected.includes(undefined)
    }
  }
  t.doesNotThrow(() => fc.assert(fc.property(word, fc.option(word, { nil: undefined }), isRight), { numRuns: 2000 }))
  t.end()
})

t.test('capabilities are ambient only if some are inheritable', (t) => {
  const sets = {
    bounding: ['CAP_KILL'],
    effective: ['CAP_KILL'],
    permitted: ['CAP_KILL'],
    inheritable: [],
    ambient: [],
  }
  const both = ['CAP_KILL', 'CAP_CHOWN']
  t.same(byFlags({ cap: ['CAP_CHOWN'] }, { capabilities: sets }).capabilities, {
    bounding: both,
    effective: both,
    permitted: both,
    inheritable: [],
    ambient: [],
  })
  const raised = byFlags({ cap: ['CAP_CHOWN'] }, { capabilities: { ...sets, inheritable: ['CAP_KILL'] } })
  t.same(raised.capabilities?.ambient, ['CAP_CHOWN'])
  t.end()
})

t.test('flags are checked', (t) => {
  for (const flags of [{ cwd: 'tmp' }, { env: ['A'] }, { env: ['=1'] }])
    t.throws(() => byFlags(flags), { code: 'usage' })
  t.throws(() => processOfFlags(configOf({}), noProcessFlags, []), { message: 'process args cannot be empty' })
  t.end()
})

t.test('a process file replaces its properties and inherits the rest', (t) => {
  const config = configOf({
    env: ['A=1'],
    user: { uid: 5, gid: 5, umask: 0o77 },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }],
    capabilities: { bounding: ['CAP_KILL'] },
    oomScoreAdj: 7,
    noNewPrivileges: true,
    execCPUAffinity: { final: '1' },
    scheduler: { policy: 'SCHED_BATCH' },
  })
  const file = (patch: JsonObject) =>
    processOfFile(config, parseProcess(stringify({ cwd: '/', args: ['x'], ...patch }), 'file').process)
  const bare = file({})
  t.match(bare, {
    args: ['x'],
    user: { uid: 0, gid: 0, umask: 0o77 },
    rlimits: [{ type: 'RLIMIT_NOFILE' }],
    capabilities: { bounding: ['CAP_KILL'] },
    oomScoreAdj: 7,
    execCPUAffinity: { final: '1' },
    scheduler: { policy: 'SCHED_BATCH' },
  })
  t.same(bare.env, [])
  t.equal(bare.noNewPrivileges, false, 'as runc takes it')
  const full = file({ user: { uid: 1, gid: 1, umask: 0 }, oomScoreAdj: 0, execCPUAffinity: { initial: '0' } })
  t.match(full, { user: { umask: 0 }, oomScoreAdj: 0 })
  t.same(full.execCPUAffinity, { initial: '0' })
  t.end()
})
