/*
 * docker build: RUN steps with the classic builder, which uses the daemon's default runtime, and with BuildKit, which calls `runc` by
 * name and so gets a PATH in which that name is the runtime under test; then push and pull with a registry on
 * loopback.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runtime } from '../harness/project.ts'
import { needsCommand } from '../harness/requires.ts'
import { docker, dockerEngine, image, must } from './docker.ts'
import { type EngineBox, engineTests, eventually, startRegistry } from './engine.ts'

const named = '/run/named'
const engine = dockerEngine(() => {
  mkdirSync(named)
  symlinkSync(runtime.path, join(named, 'runc'))
  return { env: { PATH: `${named}:${process.env.PATH}` } }
})
const dockerTest = engineTests({
  ...engine,
  prepare: async (box) => {
    await engine.prepare(box)
    // BuildKit creates a parent cgroup of its own and keeps it.
    build(box, [`FROM ${image}`, 'RUN true'], 'buildkit')
  },
})

/* Builds the directory's Dockerfile; the builders print differently, and only the last lines are equal. */
function build(
  box: EngineBox,
  dockerfile: readonly string[],
  builder: 'classic' | 'buildkit',
  ...options: readonly string[]
) {
  const context = join(box.dir, 'context')
  mkdirSync(context, { recursive: true })
  writeFileSync(join(context, 'file'), 'from the context\n')
  writeFileSync(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`)
  const env = { DOCKER_BUILDKIT: builder === 'buildkit' ? '1' : '0', BUILDKIT_PROGRESS: 'plain' }
  return docker(box, ['build', '--no-cache', ...options, context], { env })
}

for (const builder of ['classic', 'buildkit'] as const) {
  dockerTest(`RUN steps: ${builder}`, {}, (t, box) => {
    const dockerfile = [
      `FROM ${image} AS first`,
      'ARG WORD=none',
      'ENV KEPT=$WORD',
      'RUN echo "$KEPT" >/made && mkdir -m 700 /private && chown 1000 /private',
      `FROM ${image}`,
      'COPY --from=first /made /private /here/',
      'COPY file /file',
      'WORKDIR /here',
      'USER user',
      'RUN id -u; pwd; cat /file /here/made; grep -c . /proc/self/mountinfo; [ $(id -u) = 1000 ]',
      'CMD ["cat", "made"]',
    ]
    const built = build(box, dockerfile, builder, '--tag', 'built', '--build-arg', 'WORD=given')
    t.equal(built.status, 0, 'is built')
    t.match(built.stdout + built.stderr, /1000.*\/here.*from the context.*given/s)
    t.equal(must(box, ['run', '--rm', 'built']), 'given')
    must(box, ['rmi', 'built'])
  })

  dockerTest(`RUN steps that fail: ${builder}`, {}, (t, box) => {
    const failed = build(box, [`FROM ${image}`, 'RUN echo before; exit 42'], builder)
    t.not(failed.status, 0)
    t.match(failed.stdout + failed.stderr, /before.*(returned a non-zero code|exit code): 42/s)
    const missing = build(box, [`FROM ${image}`, 'RUN ["/no/such"]'], builder)
    t.not(missing.status, 0)
    t.match(missing.stdout + missing.stderr, /no such file or directory/i)
  })
}

dockerTest('push and pull', { skip: needsCommand('docker-registry') }, async (t, box) => {
  const name = `${startRegistry(box)}/busybox:1`
  must(box, ['tag', image, name])
  await eventually(() => docker(box, ['push', '--quiet', name]).status === 0, 'the registry')
  must(box, ['rmi', name])
  t.match(must(box, ['pull', name]), /Downloaded newer image|Image is up to date/)
  t.equal(must(box, ['run', '--rm', name, 'echo', 'pulled']), 'pulled')
  must(box, ['rmi', name])
})
