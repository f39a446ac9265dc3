/**
 * `linux.resources.unified` (config-linux.md, Unified): files of the v2 cgroup by name, written last so that they
 * override the older properties. A value of several lines is written line by line, because the kernel takes one a
 * write.
 */

import type { Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import type { Write } from '../write.ts'

export function unifiedWrites({ unified }: Resources, controllers: readonly string[], problems: Problem[]): Write[] {
  const writes: Write[] = []
  for (const [file, value] of Object.entries(unified)) {
    const from = `linux.resources.unified[${JSON.stringify(file)}]`
    const fault = keyFault(file, controllers)
    if (fault !== undefined) problems.push({ path: from, message: fault })
    else for (const data of value.split('\n')) if (data !== '') writes.push({ file, data, from })
  }
  return writes
}

function keyFault(key: string, controllers: readonly string[]): string | undefined {
  if (key.includes('/')) return 'must be a file name, without slashes'
  const dot = key.indexOf('.')
  if (dot <= 0 || dot === key.length - 1) return 'must have the form CONTROLLER.PARAMETER'
  const controller = key.slice(0, dot)
  if (controller === 'cgroup' || controllers.includes(controller)) return undefined
  return `controller "${controller}" not available`
}
