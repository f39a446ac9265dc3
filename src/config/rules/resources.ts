/**
 * config-linux.md "Control groups" and the sections after it. Only rules for both cgroup v1 and v2; cgroup/, which
 * knows the hierarchy, checks the rest. `at` is the prefix of the paths: `linux.resources.` in a config, empty for
 * `update`.
 */

import type { BlockIoResources, CpuResources, MemoryResources, Resources } from '../config.ts'
import { quote, type Report } from '../rule.ts'

const memoryLimits = ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const

export function checkResources(resources: Resources, at: string, report: Report): void {
  checkDeviceRules(resources, at, report)
  checkMemory(resources.memory, `${at}memory`, report)
  checkCpu(resources.cpu, `${at}cpu`, report)
  checkBlockIo(resources.blockIO, `${at}blockIO`, report)
  const { pids, rdma, unified } = resources
  if (pids.limit !== undefined && pids.limit < -1n) {
    report(`${at}pids.limit`, `must be -1 (no limit) or not negative, not ${pids.limit}`)
  }
  for (const device in rdma) {
    const limit = rdma[device]
    if (limit?.hcaHandles !== undefined || limit?.hcaObjects !== undefined) continue
    report(`${at}rdma[${JSON.stringify(device)}]`, 'must have hcaHandles or hcaObjects')
  }
  for (const file in unified) {
    if (/^[^/.]+\.[^/]+$/.test(file)) continue
    report(`${at}unified`, `${quote(file)} is not the name of a cgroup file such as memory.high`)
  }
}

function checkDeviceRules({ devices }: Resources, at: string, report: Report): void {
  for (let i = 0; i < devices.length; i++) {
    const { major = 0n, minor = 0n, access } = devices[i] as (typeof devices)[number]
    const path = `${at}devices[${i}]`
    if (major < 0n) report(`${path}.major`, `must not be negative, not ${major}`)
    if (minor < 0n) report(`${path}.minor`, `must not be negative, not ${minor}`)
    if (access !== undefined && !/^[rwm]+$/.test(access)) {
      report(`${path}.access`, `must consist of r, w and m, not ${quote(access)}`)
    }
  }
}

function checkMemory(memory: MemoryResources, path: string, report: Report): void {
  for (const key of memoryLimits) {
    const limit = memory[key]
    if (limit !== undefined && limit < -1n) {
      report(`${path}.${key}`, `must be -1 (no limit) or not negative, not ${limit}`)
    }
  }
  const { limit = 0n, swap = 0n, swappiness = 0n } = memory
  if (limit > 0n && swap > 0n && swap < limit) {
    report(`${path}.swap`, `${swap} is below the limit, ${limit}: it counts memory and swap together`)
  }
  if (swappiness > 100n) report(`${path}.swappiness`, `must be from 0 to 100, not ${swappiness}`)
}

function checkCpu({ quota = 0n, burst = 0n, idle = 0n }: CpuResources, path: string, report: Report): void {
  if (quota > 0n && burst > quota) report(`${path}.burst`, `${burst} is above the quota, ${quota}`)
  if (idle !== 0n && idle !== 1n) report(`${path}.idle`, `must be 0 or 1, not ${idle}`)
}

function checkBlockIo({ weightDevice }: BlockIoResources, path: string, report: Report): void {
  for (const [i, { weight, leafWeight }] of weightDevice.entries()) {
    if (weight === undefined && leafWeight === undefined) {
      report(`${path}.weightDevice[${i}]`, 'must have weight or leafWeight')
    }
  }
}
