/*
 * Requirements of tests as reasons to skip: each function returns false (run the test) or the reason why it cannot run,
 * as tap's `skip` option takes it. They look at the machine only, never at the runtime under test.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { hasCommand } from './project.ts'

export type Skip = false | string

const mountinfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8')

/** Whether a v1 hierarchy with that controller (or name=…) is mounted. */
export const hasV1 = (controller: string): boolean =>
  mountinfo()
    .split('\n')
    .some((line) => {
      const [, tail] = line.split(' - ')
      const fields = tail?.split(' ') ?? []
      return fields[0] === 'cgroup' && (fields[2] ?? '').split(',').includes(controller)
    })

const hasV2Controllers = (): boolean => existsSync('/sys/fs/cgroup/cgroup.controllers')

/* On v2 devices and freezer are not controllers, but always available. */
const hasV2 = (controller: string): boolean =>
  hasV2Controllers() &&
  ['devices', 'freezer', ...readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ')].includes(
    controller,
  )

/** crun supports v1 or v2, but not v1 hierarchies beside a v2 hierarchy with controllers. */
export function needsCgroupsOfCrun(): Skip {
  const unified = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mountinfo())?.[1]
  const isHybrid = unified !== undefined && /- cgroup /.test(mountinfo())
  const controllers = isHybrid ? readFileSync(`${unified}/cgroup.controllers`, 'utf8').trim() : ''
  return controllers === '' ? false : `crun refuses v1 hierarchies beside a v2 tree with ${controllers}`
}

const effectiveCaps = (): bigint =>
  BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)

/** SELinux with an enforced policy that has the types of containers, checked by writing to selinuxfs. */
export function needsSelinux(): Skip {
  const selinuxfs = '/sys/fs/selinux'
  if (!existsSync(`${selinuxfs}/enforce`)) return 'no SELinux'
  if (readFileSync(`${selinuxfs}/enforce`, 'utf8') !== '1') return 'SELinux is permissive'
  try {
    writeFileSync(`${selinuxfs}/context`, 'system_u:system_r:container_t:s0:c1,c2')
    return false
  } catch {
    return 'no container_t in the SELinux policy'
  }
}

export const needsRoot = (): Skip => (process.getuid?.() === 0 ? false : 'not root')
export const needsV1 = (controller: string): Skip => (hasV1(controller) ? false : `no cgroup v1 ${controller}`)
export const needsController = (name: string): Skip =>
  hasV1(name) || hasV2(name) ? false : `no cgroup ${name} controller`
export const needsV2 = (): Skip => (hasV2Controllers() ? false : 'no unified cgroup v2')
export const needsCommand = (name: string): Skip => (hasCommand(name) ? false : `no ${name}`)
export const needsFile = (path: string): Skip => (existsSync(path) ? false : `no ${path}`)
export const needsCapability = (bit: bigint, name: string): Skip =>
  effectiveCaps() & (1n << bit) ? false : `no ${name}`

/**
 * For tests that measure the program against a limit, which the sanitizers' own memory or descriptors would exceed, for
 * those that kill it at each of its calls, of which the sanitizers add hundreds, and for those that run it where it has
 * no shared libraries (make SANITIZE=1).
 */
export const needsPlainProgram = (): Skip =>
  process.env.ASAN_OPTIONS === undefined ? false : 'the sanitizers need more than this test leaves'

/** The first reason to skip, or false. */
export const either = (...skips: readonly Skip[]): Skip => skips.find((skip) => skip !== false) ?? false
