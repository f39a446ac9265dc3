import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { native } from '../entry/node.ts'
import { hostTable, mountAt } from '../host/mount-table.ts'
import { isLacking, ownLimits } from '../host/own-process.ts'
import { firstMissing } from './facts.ts'
import { requiredCapabilities } from './file-capabilities.ts'
import { hostId, isAllowed, unsearchable, unwritable } from './search-path.ts'

const scratch = mkdtempSync(join(tmpdir(), 'runt-hints-'))
t.teardown(() => rmSync(scratch, { recursive: true, force: true }))

t.test('the first missing component of a path', async (t) => {
  mkdirSync(join(scratch, 'a'))
  symlinkSync('/nowhere', join(scratch, 'a/dangling'))
  t.equal(firstMissing(native, join(scratch, 'a/b/c')), join(scratch, 'a/b'))
  t.equal(firstMissing(native, join(scratch, 'a')), undefined)
  t.equal(firstMissing(native, join(scratch, 'a/dangling')), undefined, 'the link is there')
  t.equal(firstMissing(native, 'relative'), undefined)
})

t.test('limits, capabilities and mounts of this process', async (t) => {
  const limits = ownLimits(native)
  const text = readFileSync('/proc/self/limits', 'utf8')
  for (const [name, label] of [
    ['RLIMIT_CPU', 'Max cpu time'],
    ['RLIMIT_NPROC', 'Max processes'],
    ['RLIMIT_NOFILE', 'Max open files'],
    ['RLIMIT_RTTIME', 'Max realtime timeout'],
  ] as const) {
    t.match(limits.get(name), { soft: /^(\d+|unlimited)$/, hard: /^(\d+|unlimited)$/ })
    t.match(text, new RegExp(`^${label} +${limits.get(name)?.soft} +${limits.get(name)?.hard} `, 'm'))
  }
  t.equal(limits.get('RLIMIT_NONSENSE'), undefined)
  t.type(isLacking(native, 'CAP_SYS_ADMIN'), 'boolean')
  t.equal(isLacking(native, 'CAP_NONSENSE'), undefined)
  t.equal(mountAt(hostTable(native), '/proc/self')?.type, 'proc', 'the deepest, whatever the order of mountinfo')
})

t.test('who may search and write', async (t) => {
  const status = { kind: 'directory', mode: 0o751, uid: 1, gid: 2, size: 0, inode: 1 } as const
  for (const [uid, gid, search, write] of [
    [1, 9, true, true],
    [9, 2, true, false],
    [9, 9, true, false],
  ] as const)
    t.same([isAllowed(status, { uid, gid }, 1), isAllowed(status, { uid, gid }, 2)], [search, write], `${uid}:${gid}`)
  t.equal(isAllowed({ ...status, mode: 0o077 }, { uid: 1, gid: 2 }, 1), false, 'the owner counts first')
  const closed = join(scratch, 'closed')
  mkdirSync(join(closed, 'below'), { recursive: true })
  chmodSync(scratch, 0o755)
  chmodSync(closed, 0o700)
  const owner = process.getuid?.() ?? 0
  t.equal(unsearchable(native, join(closed, 'below'), { uid: owner, gid: 0 }), undefined)
  t.equal(unsearchable(native, join(closed, 'below'), { uid: 4711, gid: -1 }), `${closed} (mode 0700, uid ${owner})`)
  t.equal(unsearchable(native, join(scratch, 'nosuch/x'), { uid: 4711, gid: -1 }), undefined)
  t.equal(unwritable(native, closed, { uid: 4711, gid: -1 }), `${closed} (mode 0700, uid ${owner})`)
})

t.test('ids on the host', async (t) => {
  const mappings = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 10 },
  ]
  t.same(
    [0, 1, 10, 11].map((id) => hostId(mappings, id)),
    [1000, 100000, 100009, undefined],
  )
})

t.test('file capabilities of both revisions, with the effective bit only', async (t) => {
  const attribute = (...words: number[]): Uint8Array => new Uint8Array(new Uint32Array(words).buffer)
  t.same(requiredCapabilities(attribute(0x02000001, 1 << 12, 0, 1 << 7, 0)), ['CAP_NET_ADMIN', 'CAP_BPF'])
  t.same(requiredCapabilities(attribute(0x03000001, 1, 0, 0, 0, 1000)), ['CAP_CHOWN'])
  t.same(requiredCapabilities(attribute(0x01000001, 1 << 12, 0xffff)), ['CAP_NET_ADMIN'])
  t.equal(requiredCapabilities(attribute(0x02000000, 1 << 12, 0, 0, 0)), undefined)
  t.equal(requiredCapabilities(new Uint8Array(0)), undefined)
})
