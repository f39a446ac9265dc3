/*
 * Tests by effect for what otherwise only the golden plans would notice: each scenario fails if one flag or one step of the plan is missing.
 * A mask needs the real /dev/null (CVE-2025-31133), a write below /proc must not follow a mount (CVE-2019-16884,
 * CVE-2025-52881), a read-only mount includes its submounts, and a filter leaves no capability behind.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { defaultConfig, type Json, mountsWith, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { readReport } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const bind = (destination: string, source: string, ...options: readonly string[]): Json => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', ...options],
})

/** Files that a volume on /dev may contain instead of the null device. */
const nulls: Readonly<Record<string, (path: string, box: Box) => void>> = {
  'a regular file': (path) => writeFileSync(path, ''),
  'a directory': (path) => mkdirSync(path),
  'a FIFO': (path) => spawnSync('mkfifo', [path]),
  'another device': (path) => spawnSync('mknod', [path, 'c', '1', '5']),
  'a block device of the same number': (path) => spawnSync('mknod', [path, 'b', '1', '3']),
  'a link to a file of the host': (path, box) => symlinkSync(join(box.dir, 'bundle-secret'), path),
  'a link to the real one': (path) => symlinkSync('/proc/self/fd/0', path),
}

for (const [what, make] of Object.entries(nulls)) {
  scenario(`a mask is not made of /dev/null that is ${what}`, { peers: { runc: '1.1 has no check' } }, (t, box) => {
    const dev = join(box.dir, 'dev')
    mkdirSync(dev)
    make(join(dev, 'null'), box)
    const bundle = box.bundle({
      process: { args: ['sh', '-c', 'echo alive'] },
      mounts: [...mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'), bind('/dev', dev)],
      linux: { maskedPaths: ['/etc/passwd'] },
    })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, 'linux.maskedPaths (/dev/null)', 'refused for that reason')
    t.notMatch(result.stdout, 'alive')
  })
}

scenario('a mask is made of the real /dev/null', {}, (t, box) => {
  const dev = join(box.dir, 'dev')
  mkdirSync(dev)
  spawnSync('mknod', ['-m', '666', join(dev, 'null'), 'c', '1', '3'])
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'wc -c </etc/passwd'] },
    mounts: [...mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'), bind('/dev', dev)],
    linux: { maskedPaths: ['/etc/passwd'] },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.stdout, '0\n', result.stderr)
})

/** A container whose config mounts a file of another process over a file that the runtime writes to. */
function misled(t: Test, box: Box, destination: string, patch: Patch): void {
  const helper = box.helper(['sleep', '1000'])
  const score = `/proc/${helper.pid}/oom_score_adj`
  const before = readFileSync(score, 'utf8')
  const bundle = box.bundle(
    {
      ...patch,
      process: { args: ['true'], ...(patch.process as object) },
      mounts: mountsWith(bind(destination, score)),
    },
    { name: box.id() },
  )
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, 'EXDEV', 'the mount is not entered')
  t.equal(readFileSync(score, 'utf8'), before, 'the file of the other process is unchanged')
}

const peers = { runc: 'other words', crun: 'other words' }

scenario('a sysctl is not written into a mount over /proc/sys', { peers }, (t, box) => {
  misled(t, box, '/proc/sys/net/ipv4/ip_forward', { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } } })
})

scenario('oomScoreAdj is not written into a mount over /proc/self', { peers }, (t, box) => {
  misled(t, box, '/proc/self/oom_score_adj', { process: { oomScoreAdj: 77 } })
})

/** A directory of the host with a mount in it; both contain a file. */
function nested(box: Box): string {
  const dir = mkdtempSync(join(box.dir, 'nested-'))
  mkdirSync(join(dir, 'below'))
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(dir, 'below')])
  box.defer(() => spawnSync('umount', [join(dir, 'below')]))
  writeFileSync(join(dir, 'marker'), 'above')
  writeFileSync(join(dir, 'below/marker'), 'below')
  return dir
}

const look =
  'for d in /data /data/below; do cat $d/marker; echo; echo x 2>/dev/null >$d/marker && echo written; done; true'

const readonlyWays: Readonly<Record<string, (dir: string) => Patch>> = {
  'readonlyPaths, over a volume': (dir) => ({
    mounts: mountsWith(bind('/data', dir)),
    linux: { readonlyPaths: ['/data'] },
  }),
  'readonlyPaths, over mounts of the container': (dir) => ({
    mounts: mountsWith(bind('/data', dir), bind('/data/below', join(dir, 'below'))),
    linux: { readonlyPaths: ['/data'] },
  }),
  'the option rro': (dir) => ({ mounts: mountsWith(bind('/data', dir, 'rro')) }),
}

for (const [way, patch] of Object.entries(readonlyWays)) {
  scenario(`read-only with what is mounted below: ${way}`, { peers: { crun: '1.8 knows no rro' } }, (t, box) => {
    const dir = nested(box)
    const bundle = box.bundle({
      root: { path: 'rootfs', readonly: false },
      process: { args: ['sh', '-c', look] },
      ...patch(dir),
    })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.stdout, 'above\nbelow\n', result.stderr)
    t.equal(readFileSync(join(dir, 'below/marker'), 'utf8'), 'below')
  })
}

const capabilities = {
  bounding: ['CAP_KILL'],
  permitted: ['CAP_KILL'],
  effective: ['CAP_KILL'],
  inheritable: ['CAP_KILL'],
  ambient: ['CAP_KILL'],
}
const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['sync'], action: 'SCMP_ACT_ERRNO' }] }
const killOnly = { CapInh: 0x20, CapPrm: 0x20, CapEff: 0x20, CapBnd: 0x20, CapAmb: 0x20 }

/**
 * Loading the filter needs CAP_SYS_ADMIN; execve(2) would drop it, so the test inspects init while it waits for
 * `start`.
 */
for (const uid of [0, 1000]) {
  scenario(`a filter without no_new_privs leaves user ${uid} no CAP_SYS_ADMIN`, {}, (t, box) => {
    const process = { noNewPrivileges: false, capabilities, user: { uid, gid: uid } }
    const bundle = box.bundle({ process: { ...process, args: ['sleep', '100'] }, linux: { seccomp } })
    const id = box.id()
    const check = (who: string, status: string): void => {
      const set = (key: string) => Number.parseInt(new RegExp(`^${key}:\\s*(\\w+)`, 'm').exec(status)?.[1] ?? '', 16)
      t.match(status, /^Seccomp:\t2$/m, `${who} has the filter`)
      t.same(Object.fromEntries(Object.keys(killOnly).map((key) => [key, set(key)])), killOnly, who)
    }
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const pid = box.state(id)?.pid
    check('init', readFileSync(`/proc/${pid}/status`, 'utf8'))
    t.equal(box.call(['start', id]).status, 0)
    check('the first process', readFileSync(`/proc/${pid}/status`, 'utf8'))
    const file = join(box.dir, 'process.json')
    const args = ['/bin/probe', 'file:/proc/self/status']
    writeFileSync(file, JSON.stringify({ ...defaultConfig.process, ...process, terminal: false, args }))
    check('exec', readReport(box.call(['exec', '--process', file, id])).text('file:/proc/self/status'))
    t.equal(box.call(['delete', '--force', id]).status, 0)
  })
}
