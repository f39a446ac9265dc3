/*
 * What this machine has, as reasons to skip: each function gives false (run the test) or the reason why it cannot run,
 * which is what tap's `skip` option takes. Looks at the machine only, never at the runtime under test.
 */
import { existsSync, readFileSync } from 'node:fs'
import { hasCommand } from './project.ts'

export type Skip = false | string

const mountinfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8')

/** True where a v1 hierarchy with that controller (or name=…) is mounted. */
export const hasV1 = (controller: string): boolean =>
  mountinfo()
    .split('\n')
    .some((line) => {
      const [, tail] = line.split(' - ')
      const fields = tail?.split(' ') ?? []
      return fields[0] === 'cgroup' && (fields[2] ?? '').split(',').includes(controller)
    })

const hasV2Controllers = (): boolean => existsSync('/sys/fs/cgroup/cgroup.controllers')

/* Devices and freezer are no controllers on v2, but always there. */
const hasV2 = (controller: string): boolean =>
  hasV2Controllers() &&
  ['devices', 'freezer', ...readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ')].includes(
    controller,
  )

/** crun takes v1 or v2, not v1 hierarchies beside a v2 tree that has controllers as well. */
export function needsCgroupsOfCrun(): Skip {
  const unified = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mountinfo())?.[1]
  const isHybrid = unified !== undefined && /- cgroup /.test(mountinfo())
  const controllers = isHybrid ? readFileSync(`${unified}/cgroup.controllers`, 'utf8').trim() : ''
  return controllers === '' ? false : `crun refuses v1 hierarchies beside a v2 tree with ${controllers}`
}

const effectiveCaps = (): bigint =>
  BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)

export const needsRoot = (): Skip => (process.getuid?.() === 0 ? false : 'not root')
export const needsV1 = (controller: string): Skip => (hasV1(controller) ? false : `no cgroup v1 ${controller}`)
export const needsController = (name: string): Skip =>
  hasV1(name) || hasV2(name) ? false : `no cgroup ${name} controller`
export const needsV2 = (): Skip => (hasV2Controllers() ? false : 'no unified cgroup v2')
export const needsCommand = (name: string): Skip => (hasCommand(name) ? false : `no ${name}`)
export const needsFile = (path: string): Skip => (existsSync(path) ? false : `no ${path}`)
export const needsCapability = (bit: bigint, name: string): Skip =>
  effectiveCaps() & (1n << bit) ? false : `no ${name}`

/** The first reason to skip, or false. */
export const either = (...skips: readonly Skip[]): Skip => skips.find((skip) => skip !== false) ?? false
