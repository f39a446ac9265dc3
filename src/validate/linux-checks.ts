// linux: namespaces by path, kernel parameters, devices of the host, network devices, and the seccomp agent.

import { quote } from '../config/rule.ts'
import { sysctlPath } from '../config/sysctl.ts'
import { errnoPhrase } from '../errno.ts'
import { withPath } from '../host/open-path.ts'
import { readSetting } from '../state/read-setting.ts'
import { RESOLVE_NO_MAGICLINKS } from '../steps/constants.ts'
import { type ConfigCheck, type HostCheck, kindOf, propertyOf } from './check.ts'

/** Names in /proc/PID/ns that differ from the types of the specification, namespaces(7). */
const kernelNames: Readonly<Record<string, string>> = { network: 'net', mount: 'mnt' }

export const checkNamespacePaths: HostCheck = ({ native, config, report }) => {
  for (const [i, { type, path }] of config.linux.namespaces.entries()) {
    if (path === undefined) continue
    const at = `linux.namespaces[${i}].path`
    const opened = withPath(native, { path }, (fd) => native.readLink(fd) ?? '')
    if ('code' in opened) {
      report(at, `${quote(path)}: ${errnoPhrase(opened.code)}`)
      continue
    }
    const found = /^([a-z]+):\[\d+\]$/.exec(opened.value)?.[1]
    if (found === undefined) report(at, `${quote(path)} is not a namespace`)
    else if (found !== (kernelNames[type] ?? type))
      report(at, `${quote(path)} is a namespace of type ${found}, not of type ${type}`)
  }
}

/** Parameters of single interfaces depend on those of the container. */
const isOfInterface = (parameter: string): boolean =>
  /^net\/ipv[46]\/(conf|neigh)\/(?!(all|default|lo)\/)/.test(parameter)

export const checkSysctls: HostCheck = ({ native, config, report }) => {
  for (const name of Object.keys(config.linux.sysctl)) {
    const parameter = sysctlPath(name)
    if (isOfInterface(parameter) || native.exists(`/proc/sys/${parameter}`)) continue
    report(`linux.sysctl[${JSON.stringify(name)}]`, 'the kernel does not have this parameter')
  }
}

/** In a user namespace devices are bind-mounted from the host. */
export const checkHostDevices: HostCheck = ({ native, planned, report }) => {
  const { runtimeSteps = [], containerSteps = [] } = planned?.plan ?? {}
  for (const step of [...runtimeSteps, ...containerSteps]) {
    if (step.op !== 'open_tree' || !/^(linux\.devices|default device)/.test(step.from)) continue
    const path = step.path ?? ''
    const opened = withPath(native, { path, resolve: RESOLVE_NO_MAGICLINKS }, (fd) => kindOf(native, fd))
    const property = step.from.startsWith('linux.') ? `${propertyOf(step.from)}.path` : 'linux.devices'
    const inherited = 'in a user namespace a device is that of the host'
    if ('code' in opened) report(property, `${quote(path)}: ${errnoPhrase(opened.code)}; ${inherited}`)
    else if (opened.value !== 'char' && opened.value !== 'block')
      report(property, `${quote(path)} is not a device; ${inherited}`)
  }
}

export const checkNetDevices: HostCheck = ({ native, config, report }) => {
  for (const name of Object.keys(config.linux.netDevices))
    if (!native.exists(`/sys/class/net/${name}`))
      report(`linux.netDevices[${JSON.stringify(name)}]`, 'this host has no such network device')
}

export const checkListener: HostCheck = ({ native, config, report }) => {
  const { listenerPath, syscalls = [] } = config.linux.seccomp ?? {}
  if (listenerPath === undefined || !syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')) return
  const opened = withPath(native, { path: listenerPath }, (fd) => kindOf(native, fd))
  const path = 'linux.seccomp.listenerPath'
  if ('code' in opened) report(path, `${quote(listenerPath)}: ${errnoPhrase(opened.code)}`)
  else if (opened.value !== 'socket') report(path, `${quote(listenerPath)} is not a socket`)
}

/** KTIME_SEC_MAX / 2 of the kernel. */
const MOST_SECONDS = 4611686018n

export const checkTimeOffsets: ConfigCheck = ({ config, report }) => {
  for (const [clock, { secs = 0n }] of Object.entries(config.linux.timeOffsets))
    if (secs > MOST_SECONDS) report(`linux.timeOffsets.${clock}.secs`, `must be at most ${MOST_SECONDS}, not ${secs}`)
}

/** A clock of a time namespace cannot be negative. */
export const checkNegativeOffsets: HostCheck = ({ native, config, report }) => {
  const { monotonic, boottime } = config.linux.timeOffsets
  const now = BigInt(Math.floor(native.uptime() / 1000))
  if (-(monotonic?.secs ?? 0n) > now)
    report('linux.timeOffsets.monotonic.secs', `this host's clock is at ${now} s: it would be negative`)
  const up = BigInt(readSetting(native, '/proc/uptime')?.split('.')[0] || now)
  if (-(boottime?.secs ?? 0n) > up)
    report('linux.timeOffsets.boottime.secs', `this host's clock is at ${up} s: it would be negative`)
}
