/* The process's user: the config's numbers, whatever the image's passwd file says (CVE-2016-3697, CVE-2026-30892). */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, firstOf, fresh, link, outcome, running } from '../../harness/attack.ts'
import { probing } from '../../harness/probe.ts'

const hostile = [
  '1000:x:0:0:evil:/evil:/bin/sh\n',
  `a\n:\n::::::\nroot:x:0\n${'x'.repeat(100_000)}\n`,
  'user:x:1000:1000::/home/a\0b:/bin/sh\n',
  'user:x:1000:1000::$(id)=x:/bin/sh\nuser:x:1000:0::/second:/bin/sh\n',
  `user:x:1000:1000::/${'long/'.repeat(2000)}:/bin/sh\n`,
]

// There is no protection to turn off: no name is looked up, and the kernel takes numbers.
attack(
  'CVE-2016-3697: users of the image have numeric names',
  { walls: [], stopped: /^ran: [\s\S]*\nuid 1000 1000\ngid 1000 1000\n|^refused: .*(HOME|passwd)/ },
  (box) =>
    firstOf(hostile, (passwd) => {
      const topics = ['say:alive', 'process', 'env']
      const bundle = fresh(box, probing(topics, { process: { user: { uid: 1000, gid: 1000 } } }))
      rmSync(join(bundle.rootfs, 'etc/passwd'))
      writeFileSync(join(bundle.rootfs, 'etc/passwd'), passwd)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      return outcome(result, (output) => /^uid .*\b0\b/m.test(output))
    }),
)

attack(
  'CVE-2026-30892: exec -u takes an invalid or overflowing number for root',
  { walls: [], stopped: /^ran: [\s\S]*\nuid (1|10|2147483648|4294967294) |^refused: .*(user|uid|--user)/i },
  (box) => {
    const bundle = fresh(box, { process: { args: ['sleep', '1000'] } })
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), '1:x:0:0::/:/bin/sh\na:x:0:0::/:/bin/sh\n')
    const { id } = running(box, bundle)
    const users = [
      '1',
      '01',
      '1:1',
      '1:',
      '-1',
      '+1',
      '1e1',
      '0x1',
      '2147483648',
      '4294967294',
      '4294967295',
      '4294967296',
      'a',
      '1 ',
      '１',
    ]
    return firstOf(users, (user) => {
      const result = box.call(['exec', '-u', user, id, '/bin/probe', 'say:alive', 'process'])
      return outcome(result, (output) => /^uid 0/m.test(output))
    })
  },
)

attack(
  'a passwd file of the image that is a fifo, a device or an endless file blocks the runtime',
  { walls: [], stopped: /^ran: |^refused: .*process\.env \(HOME\): / },
  (box) =>
    firstOf(['/dev/zero', '/proc/self/mem', '/proc/kmsg', '/dev/tty'], (target) => {
      const bundle = fresh(box, probing(['say:alive', 'process']))
      link(bundle, 'etc/passwd', target)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()], { timeout: 20_000 })
      return outcome(result, () => false)
    }),
)
