/*
 * Images made by running containers: podman build and buildah with RUN steps, podman commit, buildah run. Buildah calls the runtime
 * itself, without conmon: create, start, state, kill and delete, with its own pipes or terminal.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCommand, runtime } from '../harness/project.ts'
import type { Skip } from '../harness/requires.ts'
import type { CallOptions, Result } from '../harness/scenario.ts'
import type { EngineBox } from './engine.ts'
import { must, onSizedTerminal, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

const needsBuildah = (): Skip => (hasCommand('buildah') ? false : 'no buildah')

const buildah = (box: EngineBox, args: readonly string[], options?: CallOptions): Result =>
  box.run(['buildah', ...args], options)

function mustBuildah(box: EngineBox, args: readonly string[]): string {
  const result = buildah(box, args)
  if (result.status !== 0) throw new Error(`buildah ${args.join(' ')}: ${result.status}: ${result.stderr}`)
  return result.stdout.trimEnd()
}

/** A directory to build from. */
function context(box: EngineBox, containerfile: string): string {
  const dir = join(box.dir, 'context')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'Containerfile'), containerfile)
  writeFileSync(join(dir, 'copied'), 'copied\n')
  return dir
}

const containerfile = `FROM ${image}
COPY copied /copied
ENV FROM_ENV=value
RUN cat /copied >/made && echo "$FROM_ENV" >>/made
USER 1000
WORKDIR /tmp
RUN id -u >here && pwd >>here
CMD ["cat", "/made", "/tmp/here"]
`

podmanTest('podman build with RUN steps', {}, (t, box) => {
  const built = `localhost/${box.name()}`
  must(box, ['build', '--network', 'none', '--tag', built, context(box, containerfile)])
  box.defer(() => must(box, ['rmi', '--force', built]))
  t.equal(must(box, ['run', '--rm', built]), 'copied\nvalue\n1000\n/tmp')
})

podmanTest('podman build: a step that fails is told with its status', {}, (t, box) => {
  const result = podman(box, ['build', '--network', 'none', context(box, `FROM ${image}\nRUN echo seen; exit 17\n`)])
  t.match(result, { status: 17, stderr: /exit status 17/ })
  t.match(result.stdout, /seen/)
  const missing = podman(box, ['build', '--network', 'none', context(box, `FROM ${image}\nRUN ["missing"]\n`)])
  t.not(missing.status, 0)
  t.match(missing.stderr, /executable file .*not found/)
})

podmanTest('podman commit', {}, (t, box) => {
  const [name, committed] = [box.name(), `localhost/${box.name()}`]
  must(box, ['run', '--name', name, image, 'sh', '-c', 'echo kept >/kept'])
  must(box, ['commit', '--quiet', name, committed])
  box.defer(() => must(box, ['rmi', '--force', committed]))
  t.equal(must(box, ['run', '--rm', committed, 'cat', '/kept']), 'kept')
})

podmanTest('buildah bud, with the runtime by option and by environment', { skip: needsBuildah() }, (t, box) => {
  const built = `localhost/${box.name()}`
  const common = ['--isolation', 'oci', '--network', 'none', '--tag', built]
  mustBuildah(box, ['--log-level', 'warn', 'bud', '--runtime', runtime.path, ...common, context(box, containerfile)])
  box.defer(() => must(box, ['rmi', '--force', built]))
  t.equal(must(box, ['run', '--rm', built]), 'copied\nvalue\n1000\n/tmp')
  const env = { BUILDAH_RUNTIME: runtime.name }
  const again = buildah(box, ['bud', '--no-cache', ...common, context(box, containerfile)], { env })
  t.equal(again.status, 0, again.stderr)
})

podmanTest('buildah run', { skip: needsBuildah() }, async (t, box) => {
  const working = mustBuildah(box, ['from', '--pull-never', image])
  box.defer(() => mustBuildah(box, ['rm', working]))
  const run = ['run', '--isolation', 'oci', '--runtime', runtime.path, '--network', 'none']
  t.match(buildah(box, [...run, working, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']), {
    status: 3,
    stdout: 'out\n',
    stderr: /err/,
  })
  t.match(buildah(box, [...run, working, '--', 'cat'], { stdin: 'piped' }), { status: 0, stdout: 'piped' })
  t.match(buildah(box, [...run, '--user', '1000', working, '--', 'id', '-u']), { status: 0, stdout: '1000\n' })
  const missing = buildah(box, [...run, working, '--', 'missing'])
  t.not(missing.status, 0)
  t.match(missing.stderr, /executable file .*not found/)
  const terminal = await onSizedTerminal(box, ['buildah', ...run, '--tty', working, '--'])
  t.match(terminal, { status: 6, stdout: /\/dev\/pts\/0\r?\n/ })
})
