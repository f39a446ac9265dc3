import t from 'tap'
import { planWith, stepsFrom } from './fixtures/plan-of.ts'

const planned = (options: readonly string[], type = 'bind') =>
  planWith(
    { mounts: [{ destination: '/a/b', type, source: '/s', options: [...options] }] },
    { options: { sourceLinks: new Map([['/s', 'target']]) } },
  )

t.test('options for links', (t) => {
  t.match(stepsFrom(planned(['copy-symlink']), 'mounts[0]'), [
    { op: 'openat2', path: '/a' },
    { op: 'symlinkat', target: 'target', path: 'b' },
    { op: 'close_temporaries' },
  ])
  t.match(stepsFrom(planned(['rbind', 'src-nofollow', 'dest-nofollow']), 'mounts[0]')[0], { op: 'open_tree' })
  for (const [options, type, message] of [
    [['ro', 'copy-symlink'], 'tmpfs', 'mounts[0].options[1]: copy-symlink is for bind mounts only'],
    [['src-nofollow', 'remount', 'bind'], 'bind', 'mounts[0].options[0]: src-nofollow is for bind mounts only'],
    [
      ['bind', 'copy-symlink', 'dest-nofollow'],
      'bind',
      'mounts[0].options[2]: dest-nofollow contradicts copy-symlink, which mounts no link',
    ],
  ] as const)
    t.throws(() => planned(options, type), { message })
  t.end()
})
