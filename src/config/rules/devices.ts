/** config-linux.md "Devices": absolute paths, and numbers that fit the kernel's dev_t (12 and 20 bits). */

import type { Config } from '../config.ts'
import { quote, type Report } from '../rule.ts'

const MAX_MAJOR = 4095n
const MAX_MINOR = 1048575n

export function checkDevices({ linux: { devices } }: Config, report: Report): void {
  for (const [i, { type, path, major, minor }] of devices.entries()) {
    const at = `linux.devices[${i}]`
    if (!path.startsWith('/')) report(`${at}.path`, `must be an absolute path, not ${quote(path)}`)
    if (type === 'p') continue
    // 0:0 is not a device, but the result of a config without the numbers, which the spec requires.
    if (major === 0n && minor === 0n) report(at, `major and minor are required for type ${type}`)
    if (major < 0n || major > MAX_MAJOR) report(`${at}.major`, `must be from 0 to ${MAX_MAJOR}, not ${major}`)
    if (minor < 0n || minor > MAX_MINOR) report(`${at}.minor`, `must be from 0 to ${MAX_MINOR}, not ${minor}`)
  }
}
