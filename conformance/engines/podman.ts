/*
 * Podman inside isolated.sh: calls of its command line, shared by all its tests. Podman has no daemon; its stores have their
 * default paths. podman-config.ts configures it.
 */
import { onTerminal } from '../harness/console.ts'
import type { CallOptions, Result, Running } from '../harness/scenario.ts'
import { busyboxArchive, type Engine, type EngineBox, engineTests, eventually } from './engine.ts'
import { configure, image } from './podman-config.ts'

export const podman = (box: EngineBox, args: readonly string[], options?: CallOptions): Result =>
  box.run(['podman', ...args], options)

export const beginPodman = (box: EngineBox, args: readonly string[], options?: CallOptions): Running =>
  box.begin(['podman', ...args], options)

/** Runs podman, which must succeed; returns its standard output without the last newline. */
export function must(box: EngineBox, args: readonly string[], options?: CallOptions): string {
  const result = podman(box, args, options)
  if (result.status !== 0) throw new Error(`podman ${args.join(' ')}: ${result.status}: ${result.stderr}`)
  return result.stdout.trimEnd()
}

/** One value of `podman inspect`, by a Go template. */
export const inspect = (box: EngineBox, name: string, template: string): string =>
  must(box, ['inspect', '--format', template, name])

/**
 * Runs a command line that ends with a shell script on a terminal of 31 × 97, and ends it when the terminal in the container has
 * that size: podman sets the size after the program has started, and may lose a program's last output.
 */
export async function onSizedTerminal(box: EngineBox, argv: readonly string[]): Promise<Result> {
  const script = 'tty; until stty size 2>/dev/null | grep "31 97"; do sleep 0.1; done; read line; exit 6'
  const running = box.begin([...onTerminal(31, 97), ...argv, 'sh', '-c', script])
  await eventually(() => running.output().stdout.includes('31 97'), 'the size')
  running.write('\r')
  return running.exited
}

const engine: Engine = {
  name: 'podman',
  commands: ['podman', 'conmon'],
  // A pod's cgroup in the hierarchies that podman does not manage (v1: the named and the v2 one): the runtime creates
  // it with the container's and only removes the container's, as runc does. Mounts: that of podman's store, which comes
  // and goes, and that of the directory for network namespaces. systemd keeps slices.
  leaves: [
    /\/libpod_parent\/[0-9a-f]{64}$/,
    / \/var\/lib\/containers\/storage\/overlay /,
    / \/run\/netns /,
    /\.slice$/,
  ],
  prepare: (box) => {
    configure()
    must(box, ['import', '--change', 'CMD ["sh"]', busyboxArchive(box), image])
    // Podman creates its parent cgroup and the mount of its store once and keeps them.
    must(box, ['run', '--rm', image, 'true'])
  },
  cleanUp: (box) => {
    podman(box, ['pod', 'rm', '--all', '--force', '--time', '0'])
    podman(box, ['rm', '--all', '--force', '--time', '0', '--volumes'])
  },
}

export const podmanTest = engineTests(engine)
