import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { capabilityNames, rlimitNames } from './kernel-names.ts'

/** The names with this prefix in a header, sorted by number. */
function definitions(header: string, prefix: string): string[] {
  const names: string[] = []
  for (const [, name, number] of readFileSync(header, 'utf8').matchAll(/^#\s*define\s+(\w+)\s+(\d+)\b/gm)) {
    if (name?.startsWith(prefix)) names[Number(number)] = name
  }
  return names
}

const tables = [
  { header: '/usr/include/linux/capability.h', prefix: 'CAP_', names: capabilityNames },
  { header: '/usr/include/asm-generic/resource.h', prefix: 'RLIMIT_', names: rlimitNames },
]

for (const { header, prefix, names } of tables) {
  t.test(`${prefix}*: the index is the kernel's number`, { skip: !existsSync(header) && `no ${header}` }, (t) => {
    // A newer kernel may define more.
    t.strictSame(names, definitions(header, prefix).slice(0, names.length))
    t.end()
  })
}
