/*
 * The section on engines: how long the commands of Podman, Docker and containerd's ctr take with each runtime.
 * engine-samples.ts takes the samples in namespaces of its own; an engine that is not installed is left out.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../conformance/harness/project.ts'
import { eachRuntime, fixed, paths, quantile, runtimes } from './contestants.ts'

const rounds = Number(process.env.BENCH_ENGINE_ROUNDS ?? 15)

type Samples = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>

function takeSamples(): Samples | string {
  const script = join(projectRoot, 'build/bench/engine-samples.mjs')
  const named = runtimes.map((name) => `${name}=${paths[name]}`)
  const argv = ['node', script, String(rounds), ...named]
  const child = spawnSync(join(projectRoot, 'conformance/engines/isolated.sh'), argv, {
    cwd: projectRoot,
    encoding: 'utf8',
  })
  return child.status === 0 ? JSON.parse(child.stdout) : child.stderr
}

/** The section as lines of Markdown. */
export function engineLines(): readonly string[] {
  console.log(`engines: ${rounds} rounds`)
  const samples = takeSamples()
  if (typeof samples === 'string') return ['**Could not be measured:**', '', '```', samples.trim(), '```', '']
  const rows = Object.entries(samples).map(([name, times]) => {
    const median = (runtime: string): number => quantile(times[runtime] ?? [], 0.5)
    const cells = eachRuntime((runtime) => fixed(median(runtime), 0))
    return `| \`${name}\` | ${cells} | ${fixed(median('runt') / median('crun'))} | ${fixed(median('runt') / median('runc'))} |`
  })
  return [
    `Medians of ${rounds} samples in ms, interleaved in a new random order every round; busybox image, no network, the engines' defaults otherwise.`,
    'Most of the time is the engine’s own.',
    '',
    '| | runt | crun | runc | runt / crun | runt / runc |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ]
}
