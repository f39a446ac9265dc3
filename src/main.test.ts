/* From arguments to exit status and error text, with the real addon except for its output. conformance/ tests whole containers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { native } from './entry/node.ts'
import { main } from './main.ts'
import type { ContainerRecord } from './state/record.ts'

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

async function call(argv: readonly string[]): Promise<Outcome> {
  const written = ['', '', '']
  const write = (fd: number, text: string): void => {
    written[fd] += text
  }
  const status = await main({ ...native, write, programName: () => '/usr/local/bin/runt' }, argv)
  return { status, stdout: written[1] ?? '', stderr: written[2] ?? '' }
}

function stateRoot(t: Test): string {
  const root = mkdtempSync(join(tmpdir(), 'runt-main-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  return root
}

/** A record of a container whose creation was interrupted. */
function interrupted(root: string): string {
  const record: ContainerRecord = {
    ociVersion: '1.3.0',
    id: 'half',
    pid: 0,
    startTime: '0',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    created: '2026-11-21T09:00:00Z',
    owner: 'root',
    cgroups: {},
    annotations: {},
    pidNamespace: 'own',
    hooks: { poststart: [], poststop: [] },
    startSteps: { first: 0, steps: [] },
  }
  mkdirSync(join(root, 'half'))
  writeFileSync(join(root, 'half/launch.json'), JSON.stringify(record))
  return 'half'
}

t.test('an error is one sentence on stderr', async (t) => {
  const root = stateRoot(t)
  t.same(await call(['--root', root, 'state', 'web']), {
    status: 1,
    stdout: '',
    stderr: `runt state web: container does not exist in ${root} (see --root)\n`,
  })
  t.match(await call(['--root', root, 'state', 'a/b']), {
    status: 1,
    stderr: /^runt state a\/b: invalid container id "a\/b": /,
  })
  t.match(await call(['--root', `${root}/none`, 'list']), {
    status: 1,
    stderr: `runt list: state root ${root}/none: opendir: ENOENT (no such file or directory)\n`,
  })
})

t.test('an error is one line in the log', async (t) => {
  const root = stateRoot(t)
  const log = join(root, 'log.json')
  const globals = ['--root', root, '--log', log, '--log-format', 'json']
  t.match(await call([...globals, 'kill', 'web']), {
    status: 1,
    stderr: `runt kill web: container does not exist in ${root} (see --root)\n`,
  })
  t.match(await call([...globals, 'creat', 'web']), { status: 1, stderr: /did you mean create\?\nRun/ })
  const messages = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(messages, [
    { level: 'error', msg: `runt kill web: container does not exist in ${root} (see --root)` },
    { level: 'error', msg: "runt: unknown command 'creat'; did you mean create?" },
  ])
})

t.test('--log-format json without a log', async (t) => {
  const { stderr } = await call(['--root', stateRoot(t), '--log-format', 'json', 'start', 'web'])
  t.match(JSON.parse(stderr), { level: 'error', msg: /^runt start web: container does not exist in / })
})

t.test('one process can run several commands', async (t) => {
  const root = stateRoot(t)
  const id = interrupted(root)
  for (let i = 0; i < 2; i++) {
    const { status, stderr } = await call(['--root', root, 'start', id])
    t.equal(status, 1, 'the lock of the first was given back')
    t.equal(stderr, 'runt start half: cannot start a container that is creating\n')
  }
  t.match(await call(['--root', root, 'state', id]), { status: 0, stdout: /"status": "creating"/ })
  t.match(await call(['--root', root, 'delete', id]), { status: 0, stderr: '' }, 'nothing lives in it')
  t.match(await call(['--root', root, 'list', '-q']), { status: 0, stdout: '' })
})

t.test('an internal error is reported as such', async (t) => {
  const broken = { ...native, env: undefined as never, write: () => undefined }
  t.equal(await main(broken, ['list']), 1)
})
