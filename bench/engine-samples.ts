/*
 * Measures how long Podman, Docker and containerd's ctr take with each runtime, inside conformance/engines/isolated.sh,
 * with the engine's defaults and no network. Prints the samples as JSON: case → runtime → milliseconds. engines.ts runs
 * this and makes the table. Usage: engine-samples.mjs ROUNDS RUNTIME=PATH…
 */
import { execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configure, image } from '../conformance/engines/podman-config.ts'
import { makeRootfs } from '../conformance/harness/bundle.ts'
import { hasCommand } from '../conformance/harness/project.ts'

const [, , count = '10', ...named] = process.argv
const runtimes = named.map((word) => word.split('=') as [string, string])
const scratch = process.env.RUNT_ISOLATED ?? ''

interface Case {
  readonly name: string
  readonly runtime: string
  readonly argv: readonly string[]
}

const quiet: StdioOptions = ['ignore', 'ignore', 'inherit']
const call = ([program = '', ...args]: readonly string[]): void => void execFileSync(program, args, { stdio: quiet })

/** The archive that engines import. */
function archive(): string {
  const rootfs = join(scratch, 'rootfs')
  mkdirSync(rootfs)
  makeRootfs(rootfs, scratch)
  chmodSync(join(rootfs, 'tmp'), 0o1777)
  const file = join(scratch, 'busybox.tar')
  execFileSync('tar', ['-C', rootfs, '--hard-dereference', '-cf', file, '.'])
  return file
}

/* A container of each runtime stays running, for exec. */
function casesOf(engine: string, runtimeOption: (name: string, path: string) => readonly string[]): readonly Case[] {
  return runtimes.flatMap(([name, path]) => {
    const run = [engine, ...runtimeOption(name, path)]
    call([...run, '--detach', '--name', `held-${name}`, '--network', 'none', image, 'sleep', '100000'])
    return [
      { name: `${engine} run --rm`, runtime: name, argv: [...run, '--rm', '--network', 'none', image, 'true'] },
      { name: `${engine} exec`, runtime: name, argv: [engine, 'exec', `held-${name}`, 'true'] },
    ]
  })
}

function podmanCases(file: string): readonly Case[] {
  configure()
  call(['podman', 'import', '--quiet', file, image])
  return casesOf('podman', (_, path) => ['--runtime', path, 'run'])
}

function dockerCases(file: string): readonly Case[] {
  const config = join(scratch, 'daemon.json')
  const table = Object.fromEntries(runtimes.filter(([name]) => name !== 'runc').map(([name, path]) => [name, { path }]))
  writeFileSync(config, JSON.stringify({ runtimes: table, bridge: 'none', iptables: false }))
  spawn('dockerd', ['--config-file', config], { stdio: 'ignore' }).unref()
  call(['sh', '-c', 'for i in $(seq 300); do docker version && exit; sleep 0.1; done >/dev/null 2>&1; exit 1'])
  call(['docker', 'import', file, image])
  return casesOf('docker', (name) => ['run', '--runtime', name])
}

/* ctr takes a directory as root file system; its containers have names of their own. */
function containerdCases(): readonly Case[] {
  spawn('containerd', [], { stdio: 'ignore' }).unref()
  call(['sh', '-c', 'for i in $(seq 300); do ctr version && exit; sleep 0.1; done >/dev/null 2>&1; exit 1'])
  const options = ['--rootfs', '--read-only', join(scratch, 'rootfs')]
  return runtimes.map(([name, path]) => ({
    name: 'ctr run --rm',
    runtime: name,
    argv: ['ctr', 'run', '--rm', '--runc-binary', path, ...options, `bench-${name}`, '/bin/true'],
  }))
}

const file = archive()
const cases = [
  ...(hasCommand('podman') ? podmanCases(file) : []),
  ...(hasCommand('dockerd') ? dockerCases(file) : []),
  ...(hasCommand('ctr') ? containerdCases() : []),
]
const samples: Record<string, Record<string, number[]>> = {}
for (let round = -1; round < Number(count); round++) {
  for (const { name, runtime, argv } of [...cases].sort(() => Math.random() - 0.5)) {
    const begin = process.hrtime.bigint()
    call(argv)
    const elapsed = Number(process.hrtime.bigint() - begin) / 1e6
    // The first round is a warm-up.
    samples[name] ??= {}
    samples[name][runtime] ??= []
    if (round >= 0) samples[name][runtime]?.push(elapsed)
  }
}
console.log(JSON.stringify(samples))
// The daemons end with the namespaces.
process.exit(0)
