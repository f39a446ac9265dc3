/*
 * Docker inside isolated.sh: a daemon with its default paths, configured by examples/docker/daemon.json with the runtime under test as
 * default, the busybox image, and calls of its command line. The daemon starts its own containerd.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, runtime } from '../harness/project.ts'
import { needsCapability } from '../harness/requires.ts'
import { type CallOptions, type Result, type Running, until } from '../harness/scenario.ts'
import { busyboxArchive, type Engine, type EngineBox, engineTests } from './engine.ts'

/* The client of the same package as the daemon: another one in the PATH may be years newer. */
const client = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker'

/** The image of the tests. */
export const image = 'busybox'

export const docker = (box: EngineBox, args: readonly string[], options?: CallOptions): Result =>
  box.run([client, ...args], options)

export const beginDocker = (box: EngineBox, args: readonly string[], options?: CallOptions): Running =>
  box.begin([...(options?.wrap ?? []), client, ...args], options)

/** Runs docker, which must succeed; returns its standard output without the last newline. */
export function must(box: EngineBox, args: readonly string[], options?: CallOptions): string {
  const result = docker(box, args, options)
  if (result.status !== 0) throw new Error(`docker ${args.join(' ')}: ${result.status}: ${result.stderr}`)
  return result.stdout.trimEnd()
}

/** Runs a container in the foreground and removes it; it must succeed. */
export const output = (box: EngineBox, options: readonly string[], ...command: readonly string[]): string =>
  must(box, ['run', '--rm', ...options, image, ...command])

/** Starts a container in the background; returns its name. */
export function started(box: EngineBox, options: readonly string[], ...command: readonly string[]): string {
  const name = `c-${box.name()}`
  must(box, ['run', '--detach', '--name', name, ...options, image, ...command])
  return name
}

/** One value of `docker inspect`, by a Go template. */
export const inspect = (box: EngineBox, name: string, template: string): string =>
  must(box, ['inspect', '--format', template, name])

const lacking = needsCapability(24n, 'CAP_SYS_RESOURCE')

/** Docker's --privileged requests every capability that the kernel knows. runt sets the available ones, others fail. */
export const privilegedPeers = lacking === false ? {} : { runc: lacking, crun: lacking }

/** Docker chooses between 125, 126 and 127 by matching runc's messages. */
export const wordsPeers = { crun: '1.8 says it in words that Docker does not look for' }

/** The daemon's configuration of the runtime: for runt the example, which users copy; runc is built in. */
function daemonConfig(): Record<string, unknown> {
  const example = JSON.parse(readFileSync(join(projectRoot, 'examples/docker/daemon.json'), 'utf8'))
  const runtimes = { ...example.runtimes, ...(runtime.name === 'crun' && { crun: { path: runtime.path } }) }
  return { ...example, runtimes, 'default-runtime': runtime.name }
}

export interface DaemonOptions {
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Program and arguments before dockerd's. */
  readonly wrap?: readonly string[]
  /** The address of the health check; else the default socket. */
  readonly host?: string
}

/** Starts dockerd and waits until it responds; the returned function stops it and waits. */
export async function startDaemon(box: EngineBox, options: DaemonOptions): Promise<() => Promise<void>> {
  mkdirSync('/etc/docker', { recursive: true })
  writeFileSync('/etc/docker/daemon.json', JSON.stringify(daemonConfig()))
  const argv = [...(options.wrap ?? []), 'dockerd', ...(options.flags ?? [])]
  const running = box.begin(argv, { timeout: 900_000, ...(options.env && { env: options.env }) })
  let ended = false
  running.exited.then(() => {
    ended = true
  })
  const host = options.host === undefined ? [] : ['--host', options.host]
  const answers = (): boolean => {
    if (ended) throw new Error(`dockerd: ${running.output().stderr}`)
    return docker(box, [...host, 'version']).status === 0
  }
  await until(answers, 'dockerd', 60_000)
  return async () => {
    running.kill('SIGTERM')
    await running.exited
  }
}

/** Gives the daemon the image that the tests run. */
export const importImage = (box: EngineBox, archive: string, ...options: readonly string[]): string =>
  must(box, [...options, 'import', '--change', 'CMD ["sh"]', archive, image])

export interface DockerEngine extends Engine {
  /** Stops the daemon, waits for the action, and starts it again. */
  readonly restart: (meanwhile: () => Promise<void> | void) => Promise<void>
}

/** An engine with one daemon with these options. */
export function dockerEngine(options: () => DaemonOptions = () => ({})): DockerEngine {
  let life: EngineBox | undefined
  let stop = async (): Promise<void> => undefined
  return {
    name: 'docker',
    commands: ['dockerd', 'containerd', 'iptables'],
    prepare: async (box) => {
      life = box
      stop = await startDaemon(box, options())
      importImage(box, busyboxArchive(box))
      // The daemon creates its parent cgroup and a name for the host's network namespace once and keeps them.
      for (const network of ['bridge', 'host', 'none']) output(box, ['--network', network, '--userns', 'host'], 'true')
    },
    cleanUp: (box) => {
      const left = must(box, ['ps', '--all', '--quiet']).split('\n').filter(Boolean)
      if (left.length > 0) must(box, ['rm', '--force', '--volumes', ...left])
    },
    stop: () => stop(),
    restart: async (meanwhile) => {
      if (life === undefined) throw new Error('dockerd was not started')
      await stop()
      await meanwhile()
      stop = await startDaemon(life, options())
    },
  }
}

export const dockerTest = engineTests(dockerEngine())
