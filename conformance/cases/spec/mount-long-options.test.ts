/*
 * Options of file systems that are too long for fsconfig(2) or mount(2) (docs/spec-choices.md, "Mount options").
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mount, prints, refused, tmpfs } from '../../harness/mounts.ts'
import { needsFile } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

/** `count` layers with a file each, whose names have at least `length` bytes. */
function layers(box: Box, count: number, length: number): string[] {
  const base = join(box.dir, 'layers')
  return Array.from({ length: count }, (_, index) => {
    const name = join(base, `${index}`.padEnd(length, 'x'))
    mkdirSync(name, { recursive: true })
    writeFileSync(join(name, `file${index}`), '')
    return name
  })
}

const overlay = needsFile('/sys/module/overlay')

scenario(
  'an overlay with more than a page of layers',
  { skip: overlay, peers: { runc: 'ENOENT', crun: 'ENOENT' } },
  (t, box) => {
    const lower = layers(box, 60, 80)
    const odd = join(box.dir, 'odd:one\\')
    mkdirSync(odd)
    writeFileSync(join(odd, 'odd'), '')
    for (const name of ['upper', 'work']) mkdirSync(join(box.dir, name))
    const text = [...lower, odd.replace(/[:\\]/g, '\\$&')].join(':')
    t.ok(text.length > 4096)
    prints(t, box, 'ls /o | wc -l; touch /o/new', '61', [
      mount('overlay', '/o', 'overlay', `lowerdir=${text}`, `upperdir=${box.dir}/upper`, `workdir=${box.dir}/work`),
    ])
    t.ok(existsSync(join(box.dir, 'upper/new')))
    const missing = [`lowerdir=${[...lower, '/no/such/layer'].join(':')}`]
    refused(
      t,
      box,
      [mount('overlay', '/o', 'overlay', ...missing)],
      /mounts\[7\]\.options\[0\].*\/no\/such\/layer.*ENOENT/,
    )
  },
)

scenario(
  'a layer that is missing among those that fit into a page',
  { skip: overlay, peers: { runc: 'ENOENT', crun: 'ENOENT' } },
  (t, box) => {
    const text = [...layers(box, 5, 60), '/no/such/layer'].join(':')
    refused(
      t,
      box,
      [mount('overlay', '/o', 'overlay', `lowerdir=${text}`)],
      /mounts\[7\].*mount: ENOENT.*does not exist on the host/,
    )
  },
)

scenario(
  'options longer than the kernel accepts are an error with their length',
  { peers: { runc: 'EINVAL', crun: 'EINVAL' } },
  (t, box) => {
    const path = '/layer'.repeat(50)
    const many = Array(20).fill(path).join(':')
    refused(
      t,
      box,
      [mount('overlay', '/o', 'overlay', 'ro', `lowerdir=${many}`)],
      /mounts\[7\]\.options\[1\].*: lowerdir\+: is 300 bytes long, where fsconfig\(2\) takes 255 and mount\(2\) 4095/,
    )
    refused(t, box, [tmpfs('/x', `mpol=${'x'.repeat(5000)}`)], /mounts\[7\]\.options\[0\].*mpol: is 5000 bytes long/)
    refused(
      t,
      box,
      [{ destination: '/dev/shm', options: ['remount', `size=${'1'.repeat(300)}`] }],
      /mounts\[7\]\.options\[1\].*size: is 300 bytes/,
    )
  },
)
