/*
 * containerd inside isolated.sh: a daemon with its default paths, configured by examples/containerd/config-v2.toml, the busybox image
 * imported from an archive made here, and calls of ctr. cri.ts has the calls of a kubelet.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, runtime } from '../harness/project.ts'
import type { CallOptions, Result, Running } from '../harness/scenario.ts'
import { busyboxArchive, type Engine, type EngineBox, eventually } from './engine.ts'

/** The image of the tests. */
export const image = 'localhost/busybox:1'
/** The image of the process that holds a pod's namespaces. */
export const pauseImage = 'localhost/pause:1'

/** Where containerd looks for CNI plugins. */
export const cniPlugins = '/run/cni'

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')

/** An archive in the format of `docker save`: two images of one layer, which differ only in their commands. */
function imageArchive(box: EngineBox): string {
  const dir = join(box.dir, 'archive')
  mkdirSync(dir)
  renameSync(busyboxArchive(box), join(dir, 'layer.tar'))
  const layer = sha256(readFileSync(join(dir, 'layer.tar')))
  const entry = (name: string, command: readonly string[]) => {
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: command, Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    })
    const file = `${sha256(config)}.json`
    writeFileSync(join(dir, file), config)
    return { Config: file, RepoTags: [name], Layers: ['layer.tar'] }
  }
  const images = [entry(image, ['sh']), entry(pauseImage, ['sleep', '1000000'])]
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(images))
  const archive = join(box.dir, 'images.tar')
  box.run(['tar', '-C', dir, '-cf', archive, '.'])
  return archive
}

/** The example, with the runtime under test in place of runt, and settings for this machine. */
function config(): string {
  const example = readFileSync(join(projectRoot, 'examples/containerd/config-v2.toml'), 'utf8')
  const named = example.replaceAll('/usr/local/bin/runt', runtime.path)
  // Kubelets set OOM scores that need CAP_SYS_RESOURCE.
  const cri = [
    '[plugins."io.containerd.grpc.v1.cri"]',
    `sandbox_image = "${pauseImage}"`,
    'restrict_oom_score_adj = true',
    '[plugins."io.containerd.grpc.v1.cri".cni]',
    `bin_dir = "${cniPlugins}"`,
  ]
  return `${named}\n${cri.join('\n')}\n`
}

export const ctr = (box: EngineBox, args: readonly string[], options?: CallOptions): Result =>
  box.run(['ctr', ...args], options)

/** Runs ctr, which must succeed; returns its standard output without the last newline. */
export function must(box: EngineBox, args: readonly string[], options?: CallOptions): string {
  const result = ctr(box, args, options)
  if (result.status !== 0) throw new Error(`ctr ${args.join(' ')}: ${result.status}: ${result.stderr}`)
  return result.stdout.trimEnd()
}

/** The first arguments of `ctr run`, with the runtime under test. */
export const runArgs: readonly string[] = ['run', '--runc-binary', runtime.path]

/** Runs a container in the foreground and removes it. */
export const run = (box: EngineBox, options: readonly string[], ...command: readonly string[]): Result =>
  ctr(box, [...runArgs, '--rm', ...options, image, `c-${box.name()}`, ...command])

/** Starts a container in the background; returns its id. */
export function started(box: EngineBox, options: readonly string[], ...command: readonly string[]): string {
  const id = `c-${box.name()}`
  must(box, [...runArgs, '--detach', ...options, image, id, ...command])
  return id
}

const quiet = (box: EngineBox, ...args: readonly string[]): readonly string[] =>
  must(box, [...args, '--quiet'])
    .split('\n')
    .filter(Boolean)

export interface ContainerdEngine extends Engine {
  /** Stops the daemon and starts it again. */
  readonly restart: () => Promise<void>
}

export function containerdEngine(): ContainerdEngine {
  let life: EngineBox | undefined
  let daemon: Running | undefined
  const start = async (): Promise<void> => {
    const running = life?.begin(['containerd'], { timeout: 900_000 })
    if (life === undefined || running === undefined) throw new Error('containerd was not prepared')
    daemon = running
    const box = life
    await eventually(() => ctr(box, ['version']).status === 0, 'containerd')
  }
  const stop = async (): Promise<void> => {
    daemon?.kill('SIGTERM')
    await daemon?.exited
  }
  return {
    name: 'containerd',
    commands: ['containerd', 'ctr'],
    prepare: async (box) => {
      life = box
      mkdirSync('/etc/containerd', { recursive: true })
      writeFileSync('/etc/containerd/config.toml', config())
      await start()
      const archive = imageArchive(box)
      for (const namespace of ['default', 'k8s.io']) must(box, ['--namespace', namespace, 'image', 'import', archive])
      // It creates the parent cgroup of a namespace once and keeps it.
      run(box, [], 'true')
    },
    cleanUp: (box) => {
      for (const id of quiet(box, 'task', 'ls')) ctr(box, ['task', 'delete', '--force', id])
      for (const id of quiet(box, 'container', 'ls')) must(box, ['container', 'delete', id])
    },
    stop,
    restart: async () => {
      await stop()
      await start()
    },
  }
}
