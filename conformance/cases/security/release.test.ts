/* The protections of a release cannot be turned off (make WEAKEN=1, src/weaken.ts). */
import { readFileSync } from 'node:fs'
import { attack, fresh, link, outcome } from '../../harness/attack.ts'
import { isRunt, runtime } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

attack(
  'the environment turns off the walls of a release',
  { walls: [], stopped: /^refused: .*mounts\[0\] \(proc at \/proc\): .*ELOOP/ },
  (box) => {
    const bundle = fresh(box, { process: { args: ['/bin/attacker', 'open'] } })
    link(bundle, 'proc', '/var')
    const env = { RUNT_WEAKEN: 'symlinks,in-root,magic-links' }
    return outcome(box.call(['run', '--bundle', bundle.dir, box.id()], { env }), () => true)
  },
)

scenario(
  'a release has no code to turn walls off',
  { skip: isRunt && runtime.name === 'runt' ? false : 'not the static program' },
  (t, box) => {
    t.match(box.call(['--version']).stdout, /^runt version (?!.*weakened)/)
    const program = readFileSync(runtime.path)
    for (const word of ['RUNT_WEAKEN', 'own-mounts', 'late-fork', 'cwd-inside'])
      t.equal(program.includes(word), false, word)
  },
)
