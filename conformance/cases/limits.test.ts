/*
 * Limits of the caller (setrlimit(2)) and configs of unusual size: either everything works, or an error names what is too small
 * or too large, and nothing is left behind.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Bundle, defaultConfig, type Json, mountsWith } from '../harness/bundle.ts'
import { takeCensus } from '../harness/census.ts'
import { pidsUpTo } from '../harness/cgroup.ts'
import { runtime } from '../harness/project.ts'
import { either, needsCommand, needsPlainProgram } from '../harness/requires.ts'
import { type Box, leftSince, type Result, scenario } from '../harness/scenario.ts'

const skip = either(needsCommand('prlimit'), needsPlainProgram())
const onNode = { 'runt-node': 'Node itself needs more', runc: 'the Go runtime needs more' }
const others = { runc: 'another message', crun: 'another message' }

/** KB of address space that are enough for every command. */
const enough = 16_000

const PF_W = 2

/** KB of the segments that execve(2) maps (elf(5), PT_LOAD): of all, or of the writable ones, which count as data. */
function segments(path: string, which: 'all' | 'writable'): number {
  const file = readFileSync(path)
  const [table, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  const headers = Array.from({ length: count }, (_, i) => file.subarray(table + i * size))
  const loaded = headers.filter((header) => {
    const isWanted = which === 'all' || (header.readUInt32LE(4) & PF_W) !== 0
    return header.readUInt32LE(0) === 1 && isWanted
  })
  return loaded.reduce((sum, header) => sum + Math.ceil(Number(header.readBigUInt64LE(40)) / 1024), 0)
}

/** Below this, with a stack, execve(2) cannot map the program, and the kernel kills the process. */
const mapped = segments(runtime.path, 'all') + 300

const limited = (limit: string, kilobytes: number): { readonly wrap: readonly string[] } => ({
  wrap: ['prlimit', `--${limit}=${kilobytes * 1024}`, '--'],
})

const annotated = (bytes: number): { readonly annotations: Json } => ({ annotations: { a: 'x'.repeat(bytes) } })

/** Works, or reports in one line that memory is exhausted. */
function accept(t: Test, { status, stderr }: Result, what: string): void {
  if (status === 0) return
  t.ok(status === 1 || status === 255, `${what}: exit status ${status}`)
  t.match(stderr, /^\S.*(out of memory|ENOMEM).*\n$/, what)
}

scenario('address space of 16 MB suffices for every command', { skip, peers: onNode }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['sleep', '1000'] } })
  const id = box.id()
  const resources = join(box.dir, 'resources.json')
  writeFileSync(resources, JSON.stringify(pidsUpTo(100)))
  const commands = [
    ['--version'],
    ['--help'],
    ['features'],
    ['validate', bundle.dir],
    ['plan', bundle.dir],
    ['seccomp', bundle.dir],
    ['run', '--bundle', box.bundle({}, { name: 'short' }).dir, box.id()],
    ['create', '--bundle', bundle.dir, id],
    ['state', id],
    ['start', id],
    ['exec', id, 'true'],
    ['list'],
    ['ps', id],
    ['events', '--stats', id],
    ['update', '--resources', resources, id],
    ['pause', id],
    ['resume', id],
    ['kill', id, 'KILL'],
    ['delete', '--force', id],
  ]
  for (const args of commands) {
    const result = box.call(args, limited('as', enough))
    t.equal(result.status, 0, `${args[0]}: ${result.stderr}`)
  }
})

for (const [limit, first] of [
  ['as', mapped],
  ['data', segments(runtime.path, 'writable') + 64],
] as const) {
  const what = `any limit of memory (${limit}) is enough, or the error says that it is not`
  scenario(what, { skip, peers: onNode }, async (t, box) => {
    const bundles: Bundle[] = [
      box.bundle({}, { name: 'usual' }),
      box.bundle({ mounts: mountsWith(...tmpfs(200)) }, { name: 'mounts' }),
      box.bundle(annotated(300_000), { name: 'text' }),
    ]
    const before = takeCensus(box.root)
    for (let kilobytes = first; kilobytes < first + 4_000; kilobytes += 250) {
      for (const bundle of bundles) {
        const id = box.id()
        const trial = `${kilobytes} KB, ${bundle.dir}`
        accept(t, box.call(['create', '--bundle', bundle.dir, id], limited(limit, kilobytes)), `create ${trial}`)
        accept(t, box.call(['plan', bundle.dir], limited(limit, kilobytes)), `plan ${trial}`)
        box.call(['delete', '--force', id])
      }
      t.equal(await leftSince(box, before), undefined, `${kilobytes} KB: nothing is left`)
    }
  })
}

scenario('a failure below that limit leaves nothing', { skip, peers: onNode }, async (t, box) => {
  const bundle = box.bundle()
  const before = takeCensus(box.root)
  for (let kilobytes = 1_000; kilobytes < mapped; kilobytes += 250) {
    const id = box.id()
    const { status } = box.call(['create', '--bundle', bundle.dir, id], limited('as', kilobytes))
    if (status === 0) box.call(['delete', '--force', id])
  }
  t.equal(await leftSince(box, before), undefined)
})

scenario('a small stack suffices or causes an error', { skip, peers: onNode }, (t, box) => {
  const bundle = box.bundle()
  // The kernel uses up to 8 KB of it for randomization (arch_align_stack), so with less even the message may fail.
  for (const kilobytes of [32, 48]) {
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], limited('stack', kilobytes))
    if (result.status !== 0) t.match(result.stderr, /out of memory for the stack; see ulimit -s/, `${kilobytes} KB`)
  }
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()], limited('stack', 256)).status, 0)
})

scenario('a deep config needs stack that a limit of memory may not allow', { skip, peers: onNode }, (t, box) => {
  const bundle = box.bundle({}, { text: `{"ociVersion":"1.0.2","x":${'['.repeat(190)}${']'.repeat(190)}}` })
  for (const kilobytes of [mapped, enough])
    t.equal(box.call(['validate', bundle.dir], limited('as', kilobytes)).status, 1, `${kilobytes} KB`)
})

const tmpfs = (count: number): Json[] =>
  Array.from({ length: count }, (_, i) => ({ destination: `/m/${i}`, type: 'tmpfs', source: 'tmpfs' }))

scenario('a plan of 12 MB: masked and read-only paths', { peers: { runc: 'slow' } }, (t, box) => {
  const paths = (name: string): string[] => Array.from({ length: 10_000 }, (_, i) => `/proc/${name}${i}`)
  const bundle = box.bundle({ linux: { maskedPaths: paths('m'), readonlyPaths: paths('r') } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
})

scenario('a config of 10 MB', {}, (t, box) => {
  const result = box.call(['run', '--bundle', box.bundle(annotated(10_000_000)).dir, box.id()])
  t.equal(result.status, 0, result.stderr)
})

scenario('a string that is too long for execve(2) is named', { peers: others }, (t, box) => {
  const big = 'x'.repeat(200_000)
  const hooks = { createContainer: [{ path: '/bin/true', env: [`A=${big}`] }] }
  for (const [name, patch, property] of [
    ['env', { process: { env: ['A=b', `BIG=${big}`] } }, /process\.env\[1\] \(BIG, 200004 bytes\): execve: E2BIG/],
    ['args', { process: { args: ['true', big] } }, /process\.args\[1\] \(200000 bytes\): execve: E2BIG/],
    ['hook', { hooks }, /hooks\.createContainer\[0\]\.env\[0\] \(A, 200002 bytes\): execve: E2BIG/],
  ] as const) {
    const result = box.call(['run', '--bundle', box.bundle(patch, { name }).dir, box.id()])
    t.equal(result.status, 1)
    t.match(result.stderr, property)
  }
})

/** In a user namespace the runtime clones each bind mount, and keeps its descriptor until init has it. */
function manyBinds(box: Box, count: number): Bundle {
  const ids = [{ containerID: 0, hostID: 0, size: 65536 }]
  const binds = Array.from({ length: count }, (_, i) => ({
    destination: `/m/${i}`,
    type: 'bind',
    source: '/proc/version',
    options: ['bind'],
  }))
  return box.bundle({
    process: { args: ['sh', '-c', 'ulimit -Sn'], rlimits: undefined },
    hooks: { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', `ulimit -Sn >${box.dir}/hook`] }] },
    mounts: mountsWith(...binds),
    linux: {
      namespaces: [...defaultConfig.linux.namespaces, { type: 'user' }],
      uidMappings: ids,
      gidMappings: ids,
    },
  })
}

scenario(
  '1000 bind mounts with a user namespace need no higher soft limit',
  { skip: needsCommand('prlimit'), peers: others },
  (t, box) => {
    const bundle = manyBinds(box, 1000)
    const enoughFiles = { wrap: ['prlimit', '--nofile=300:4096', '--'] }
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], enoughFiles)
    t.equal(result.stderr, '')
    t.equal(result.stdout, '300\n', "the container has the caller's soft limit")
    t.equal(readFileSync(`${box.dir}/hook`, 'utf8'), '300\n', 'and so has a hook')
    const tooFew = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: ['prlimit', '--nofile=300:600', '--'] })
    t.equal(tooFew.status, 1)
    t.match(tooFew.stderr, /mounts\[\d+\] \(.*\): \w+: EMFILE \(too many open files\).*RLIMIT_NOFILE/)
  },
)
