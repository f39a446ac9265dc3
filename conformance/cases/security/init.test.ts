/*
 * What the container can reach of the runtime itself: descriptors, init's image with the plan in it, init's memory (CVE-2016-9962,
 * CVE-2019-5736, ../shared/faults.md S7, S8).
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { attack, created, fresh, link, type Outcome, outcome, running } from '../../harness/attack.ts'
import type { Patch } from '../../harness/bundle.ts'
import { probing } from '../../harness/probe.ts'
import { runtime } from '../../harness/project.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

function withDescriptors<T>(body: (fds: readonly number[]) => T): T {
  const fds = Array.from({ length: 20 }, () => openSync('/', 'r'))
  try {
    return body(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

attack(
  'CVE-2024-21626: the process has descriptors of the caller',
  { walls: ['inherited', 'close-range'], stopped: /^ran: == say:alive\nalive\n== fds\n0 .*\n1 .*\n2 .*\n$/ },
  (box) =>
    withDescriptors((fds) => {
      const bundle = fresh(box, probing(['say:alive', 'fds']))
      const result = box.call(['run', '--bundle', bundle.dir, box.id()], { fds })
      return outcome(result, (output) => /^3 /m.test(output))
    }),
)

/** Directories of the host's mounts that a process has open. */
function hostDirectories(pid: number): string[] {
  const field = (line: string): string => line.split(' ')[0] ?? ''
  const hostMounts = new Set(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(field))
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    if (Number(fd) < 3) return false
    const mount = /^mnt_id:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
    return hostMounts.has(mount) && statSync(`/proc/${pid}/fd/${fd}`).isDirectory()
  })
}

attack(
  'a created container’s init has a directory of the host open',
  {
    walls: ['inherited', 'close-range'],
    stopped: /^ran: \d+ descriptors$/,
    peers: { crun: '1.8 keeps what it has inherited' },
  },
  (box) =>
    withDescriptors((fds) => {
      const { pid } = created(box, fresh(box), { fds })
      const open = readdirSync(`/proc/${pid}/fd`)
      return hostDirectories(pid).length > 0 ? 'succeeded' : { stopped: [`ran: ${open.length} descriptors`] }
    }),
)

const caps = (...names: string[]): Patch => ({
  capabilities: { bounding: names, effective: names, permitted: names },
})

/** A second container in the pid namespace of one that waits for its start, as in a pod, inspects its init. */
function lookAtWaiting(box: Box, capabilities: Patch): Outcome {
  const hook = { path: '/bin/true', env: ['SECRET_OF_THE_HOOK=1'] }
  const bundle = fresh(box, { process: capabilities, hooks: { startContainer: [hook] } })
  const { pid } = created(box, bundle, { env: { SECRET_OF_THE_CALLER: 'hunter2' } })
  const namespaces = [{ type: 'mount' }, { type: 'pid', path: `/proc/${pid}/ns/pid` }, { type: 'ipc' }, { type: 'uts' }]
  const looking = fresh(box, {
    process: { ...capabilities, args: ['/bin/attacker', 'look', '1'] },
    linux: { namespaces },
  })
  const result = box.call(['run', '--bundle', looking.dir, box.id()])
  return outcome(result, (output) => output.includes('SECRET_OF_'))
}

attack(
  'a created container’s init shows its plan to another container of its pid namespace',
  {
    walls: ['dumpable', 'init-image'],
    stopped: /^ran: alive\nCapPrm [0-9a-f]+\ncgroup .*\n$/,
    peers: { runc: '1.1 has the state directory in its environment', crun: '1.8 has its command line' },
  },
  (box) => lookAtWaiting(box, caps('CAP_KILL')),
)

attack(
  'a created container’s init shows its plan to a process with CAP_SYS_PTRACE',
  { walls: ['init-image'], stopped: /^ran: alive\n[\s\S]*\nexe .*\nimage EACCES\n$/ },
  (box) => lookAtWaiting(box, caps('CAP_SYS_PTRACE')),
)

attack(
  'S8: a script with the interpreter /proc/self/exe, or a link to it, runs the init image',
  { walls: ['init-image'], stopped: /^refused: .*process\.args\[0\].*permission denied/i },
  (box) => {
    const bundle = fresh(box, { process: { args: ['sleep', '1000'] } })
    link(bundle, 'bin/itself', '/proc/self/exe')
    const file = (name: string, interpreter: string) =>
      writeFileSync(join(bundle.rootfs, name), `#!${interpreter}\n`, { mode: 0o755 })
    file('etc/script', '/proc/self/exe')
    file('etc/linked', '/bin/itself')
    const { id } = running(box, bundle)
    const stopped: string[] = []
    for (const name of ['/etc/script', '/etc/linked']) {
      const { stderr } = box.call(['exec', id, name])
      if (stderr === '') return 'succeeded'
      stopped.push(`refused: ${stderr}`)
    }
    return { stopped }
  },
)

attack(
  'CVE-2019-5736: the container opens the memory file of init before its end and writes to it afterwards',
  { walls: ['seals'], stopped: /^ran: EPERM$/, peers: { crun: '1.8 keeps its command line' } },
  async (box) => {
    const { id, pid } = created(box, fresh(box, { process: { args: ['sleep', '1000'] } }))
    const image = openSync(`/proc/${pid}/exe`, 'r')
    try {
      if (box.call(['start', id]).status !== 0) throw new Error('start failed')
      await until(() => !readlinkSync(`/proc/${pid}/exe`).includes('memfd'), 'the program')
      const fd = openSync(`/proc/self/fd/${image}`, 'r+')
      try {
        writeSync(fd, 'x')
      } finally {
        closeSync(fd)
      }
      return 'succeeded'
    } catch (error) {
      return { stopped: [`ran: ${(error as { code?: string }).code}`] }
    } finally {
      closeSync(image)
    }
  },
)

scenario('CVE-2019-5736: the runtime cannot be overwritten, nor run in the container', {}, (t, box) => {
  // Init is another program, and /proc/self/exe in the container is never the runtime: there is no protection to turn
  // off.
  const before = sum(runtime.path)
  const script =
    'for p in /proc/[0-9]*; do (exec 3>>$p/exe; echo x >&3) 2>/dev/null && echo wrote $p; done; echo looked'
  const looking = fresh(box, { process: { args: ['sh', '-c', script] } })
  const result = box.call(['run', '--bundle', looking.dir, box.id()])
  t.match(result.stdout, /^looked$/m, 'it ran')
  t.notMatch(result.stdout, /wrote/)
  for (const args of [['/proc/self/exe', '--version'], ['/bin/entry']]) {
    const bundle = fresh(box, { process: { args } })
    link(bundle, 'bin/entry', '/proc/self/exe')
    const { status, stdout, stderr } = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.match({ status, stdout, stderr }, { status: /^[1-9]/, stdout: '', stderr: /process\.args\[0\] \(/ })
  }
  t.equal(sum(runtime.path), before, 'the executable is unchanged')
})
