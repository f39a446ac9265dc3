/*
 * Devices that are not what their names say (CVE-2025-31133, CVE-2026-88265), and devices that are not allowed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attack, firstOf, fresh, link, outcome } from '../../harness/attack.ts'
import { mountsWithout, type Patch } from '../../harness/bundle.ts'
import { either, needsV1 } from '../../harness/requires.ts'

const mounts = mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')
const reading: Patch = {
  mounts,
  root: { readonly: false },
  process: { args: ['/bin/probe', 'say:alive', 'stat:/proc/keys', 'file:/proc/keys'] },
}
const isNull = /^refused: .*(default device \/dev\/null|linux\.maskedPaths \(\/dev\/null\)|process)/

attack(
  'CVE-2025-31133: /dev/null is a link of the image, and a mask is a window',
  {
    walls: ['rdev', 'symlinks'],
    stopped: isNull,
    peers: { runc: '1.1 reopens stdio through it', crun: 'so does 1.8' },
  },
  (box) =>
    firstOf(['/etc/evil', '../etc/evil', '/proc/sys/kernel/core_pattern'], (target) => {
      const bundle = fresh(box, reading)
      writeFileSync(join(bundle.rootfs, 'etc/evil'), 'of the attacker\n')
      link(bundle, 'dev/null', target)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      return outcome(result, (output) => !/^char .* 1:3 0$/m.test(output))
    }),
)

attack(
  'CVE-2025-31133: /dev/null is a file of the image, and a mask shows it',
  { walls: ['rdev'], stopped: isNull },
  (box) => {
    const bundle = fresh(box, reading)
    writeFileSync(join(bundle.rootfs, 'dev/null'), 'of the attacker\n')
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => output.includes('of the attacker'))
  },
)

attack(
  'CVE-2026-88265: /dev/null is a file of the image, and standard streams go into it',
  { walls: ['rdev'], stopped: isNull, peers: { runc: '1.1 reopens stdio onto it', crun: '1.8 reopens stdio onto it' } },
  (box) => {
    const args = ['sh', '-c', 'echo alive >&2; echo stolen']
    const bundle = fresh(box, { mounts, root: { readonly: false }, process: { args }, linux: { maskedPaths: [] } })
    const file = join(bundle.rootfs, 'dev/null')
    writeFileSync(file, '')
    const silent = ['sh', '-c', 'exec "$@" >/dev/null', 'sh']
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: silent })
    return outcome({ ...result, stdout: result.stderr }, () => readFileSync(file, 'utf8').includes('stolen'))
  },
)

const disk = readdirSync('/sys/block').find((name) => !name.startsWith('ram'))

attack(
  'GHSA-g54h-m393-cpwq: no device rules means the default rules, not none',
  {
    walls: ['device-default'],
    stopped: /^ran: alive\n\/dev\/secret EPERM EPERM$/m,
    skip: either(needsV1('devices'), disk === undefined ? 'no block device' : false),
  },
  (box) => {
    const [major, minor] = readFileSync(`/sys/block/${disk}/dev`, 'utf8').trim().split(':').map(Number)
    const bundle = fresh(box, {
      process: { args: ['/bin/attacker', 'open', '/dev/secret'] },
      linux: {
        resources: { devices: undefined },
        devices: [{ path: '/dev/secret', type: 'b', major: major ?? 0, minor: minor ?? 0, fileMode: 0o600 }],
      },
    })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    return outcome(result, (output) => / ok /.test(output))
  },
)
