/*
 * A process of the container that stops and reads every process that appears while the host runs exec (CVE-2016-9962,
 * ../shared/faults.md S9): no process that it can see has more privileges or descriptors than the container.
 */
import { attack, fresh, type Outcome, running } from '../../harness/attack.ts'
import type { Patch } from '../../harness/bundle.ts'
import { pidsUpTo } from '../../harness/cgroup.ts'
import { needsV1 } from '../../harness/requires.ts'
import { type Box, until } from '../../harness/scenario.ts'

const execs = Number(process.env.RUNT_RACES ?? 100)

/** What the tracer saw of one process. */
interface Seen {
  readonly isSeized: boolean
  readonly permitted: bigint
  readonly isInit: boolean
  /** In the hierarchy that limits processes. */
  readonly cgroup: string
  /** Descriptors of files that have a path. */
  readonly files: readonly string[]
  readonly hasImage: boolean
}

const parse = (output: string): Seen[] =>
  output
    .split(/^saw \d+\n/m)
    .slice(1)
    .map((text) => ({
      isSeized: /^seized$/m.test(text),
      permitted: BigInt(`0x${/^CapPrm ([0-9a-f]+)$/m.exec(text)?.[1] ?? '0'}`),
      isInit: /^exe .*memfd/m.test(text),
      cgroup: /^cgroup (.*)$/m.exec(text)?.[1] ?? '',
      files: text.match(/^fd \d+ \/(?!memfd).*$/gm) ?? [],
      hasImage: /^image read/m.test(text),
    }))

const capabilities = (...names: string[]): Patch => ({
  capabilities: { bounding: names, effective: names, permitted: names },
})

/** Runs exec beside a tracer until it has seen what matters, or the given number of times. */
async function watch(box: Box, patch: Patch, counts: (seen: Seen) => boolean): Promise<Outcome> {
  const args = ['/bin/attacker', 'watch']
  const { id, output } = running(box, fresh(box, { ...patch, process: { ...(patch.process as Patch), args } }))
  await until(() => output().includes('watching'), 'the tracer')
  for (let n = 0; n < execs; n++) {
    const result = box.call(['exec', id, '/bin/probe', 'exit:0'])
    // A process that stays stopped when its tracer ends is not a leak of the runtime.
    if (result.status !== 0 && result.stderr !== '') return { stopped: [`refused: ${result.stderr}`] }
    if (n % 10 === 9 && parse(output()).some(counts)) return 'succeeded'
  }
  await until(() => parse(output()).length > 0, 'the tracer has seen a process')
  const seen = parse(output())
  return seen.some(counts)
    ? 'succeeded'
    : { stopped: [`ran: saw ${seen.length}, ${seen.filter((one) => one.isSeized).length} seized`] }
}

const tracer = ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']
const own = (1n << 19n) | (1n << 1n)
const seizing = { process: capabilities(...tracer) }

attack(
  'S9: a tracer stops a process of exec that has more capabilities than the container',
  { walls: ['late-fork'], stopped: /^ran: saw \d+, [1-9]\d* seized$/ },
  (box) => watch(box, seizing, ({ isSeized, permitted }) => isSeized && (permitted & ~own) !== 0n),
)

attack(
  'S9: a tracer finds files of the host in a process of exec',
  // Without the early close(2) the attack would succeed only by chance: the files would be open for a few calls after
  // the fork.
  { walls: [], stopped: /^ran: saw \d+, [1-9]\d* seized$/ },
  // Without files of the container that init opens, such as /etc/passwd.
  (box) => watch(box, seizing, ({ files }) => files.some((file) => file.endsWith('/tasks'))),
)

// One process, the tracer, is all there may be: a process of exec is born in another cgroup then (addon/runtime/crowded.c).
attack(
  'a tracer in a container without room for another process stops one of exec that is in no cgroup of the container',
  { walls: ['traced-birth'], stopped: /^ran: saw \d+, [1-9]\d* seized$/, skip: needsV1('pids') },
  (box) =>
    watch(box, { ...seizing, linux: { resources: pidsUpTo(1) } }, ({ isSeized, cgroup }) => isSeized && cgroup === '/'),
)

const userNamespace: Patch = {
  process: capabilities(...tracer),
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  },
}

attack(
  'CVE-2016-9962: a tracer in a user namespace stops init of exec',
  // Without the protection the kernel does the same: a process that changes its ids in the joined namespace is not
  // dumpable (prctl(2)).
  { walls: [], stopped: /^ran: saw \d+, \d+ seized$/ },
  (box) => watch(box, userNamespace, ({ isSeized, isInit, hasImage }) => (isSeized && isInit) || hasImage),
)
