/*
 * Podman's configuration inside isolated.sh, for tests and for the benchmark: examples/podman/runt.conf as a user would install it, and
 * settings for this machine. An unprivileged user has it in the home directory.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, runtime } from '../harness/project.ts'

const ownDirectory = process.getuid?.() === 0 ? '/etc/containers' : join(process.env.HOME ?? '/', '.config/containers')

/** The image of the tests. */
export const image = 'localhost/busybox'

/**
 * Podman's values for --ulimit that can be set here, required whenever a test sets one of its own: hard limits above this
 * process's own need CAP_SYS_RESOURCE, which podman expects root to have.
 */
export function ulimits(): readonly string[] {
  const limit = (row: string): string =>
    new RegExp(`^Max ${row} +\\S+ +(\\S+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? ''
  const rows = { nofile: limit('open files'), nproc: limit('processes') }
  return Object.entries(rows)
    .filter(([, hard]) => hard !== 'unlimited')
    .map(([name, hard]) => `${name}=${hard}:${hard}`)
}

/** Writes the configuration, this user's or to another directory; the runtime under test is the default one. */
export function configure(etc = ownDirectory): void {
  rmSync(etc, { recursive: true, force: true })
  mkdirSync(join(etc, 'containers.conf.d'), { recursive: true })
  const config = [
    '[containers]',
    `default_ulimits = ${JSON.stringify(ulimits())}`,
    'log_driver = "k8s-file"',
    // Bridges, which need a firewall's modules and programs, are requested by the tests that use them.
    'netns = "none"',
    '[engine]',
    `runtime = "${runtime.name}"`,
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    '[network]',
    'network_backend = "netavark"',
  ]
  writeFileSync(join(etc, 'containers.conf'), `${config.join('\n')}\n`)
  writeFileSync(join(etc, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}\n')
  writeFileSync(join(etc, 'registries.conf'), 'unqualified-search-registries = []\n')
  const example = readFileSync(join(projectRoot, 'examples/podman/runt.conf'), 'utf8')
  const installed = runtime.name === 'runt' ? runtime.path : '/usr/local/bin/runt'
  writeFileSync(join(etc, 'containers.conf.d/runt.conf'), example.replace('/usr/local/bin/runt', installed))
}
