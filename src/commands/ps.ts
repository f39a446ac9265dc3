// ps (runc-ps(8)): lists the processes of a container, as ids or as the lines of the host's ps(1). A stopped container
// has none.

import { type Run, STDOUT } from '../cli/context.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses } from '../state/cgroup-processes.ts'
import { loadContainer } from '../state/load-container.ts'
import { requireCgroups } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'

export const ps: Run<'ps'> = ({ native, globals }, { format }, [id = '', ...options]) => {
  const { record } = loadContainer(native, stateRoot(native, globals.root).path, id)
  const pids = cgroupProcesses(native, requireCgroups(record))
  const text = format === 'json' ? JSON.stringify(pids) : rowsOf(runPs(native, options), pids).join('\n')
  native.write(STDOUT, `${text}\n`)
  return 0
}

function runPs(native: Native, options: readonly string[]): string {
  const argv = ['ps', ...(options.length === 0 ? ['-ef'] : options)]
  try {
    const { status, output } = native.runProgram(argv)
    if (status === 0) return output
    throw new RuntError('host', `${argv.join(' ')}: ended with status ${status}`)
  } catch (error) {
    throw hostFailure('ps', error)
  }
}

/** The heading and the lines of the processes. */
export function rowsOf(output: string, pids: readonly number[]): readonly string[] {
  const [heading = '', ...rows] = output.split('\n')
  const column = fieldsOf(heading).indexOf('PID')
  if (column < 0) throw new RuntError('usage', "couldn't find PID field in ps output")
  return [heading, ...rows.filter((row) => pids.includes(Number(fieldsOf(row)[column])))]
}

function fieldsOf(row: string): readonly string[] {
  return row.split(' ').filter((field) => field !== '')
}
