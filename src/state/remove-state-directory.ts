// Removes a container's state directory.

import { errnoOf } from '../errno.ts'
import type { Native } from '../native.ts'
import { REPORT_FIFO, START_FIFO } from '../steps/protocol.ts'
import { CGROUP_LINK, CONFIG_FILE, LAUNCH_FILE, STATE_FILE } from './record.ts'

/** The link to the cgroup is removed last (record.ts). */
export function removeStateDirectory(native: Native, directory: string): void {
  try {
    native.removeDirectory(directory, CGROUP_LINK)
  } catch (error) {
    if (errnoOf(error) !== 'EMFILE') throw error
    // With a very low limit of open files the directory cannot be listed; its files are known.
    for (const name of [REPORT_FIFO, START_FIFO, STATE_FILE, CONFIG_FILE, LAUNCH_FILE, CGROUP_LINK]) {
      if (native.status(`${directory}/${name}`) !== undefined) native.unlink(`${directory}/${name}`)
    }
    native.rmdir(directory)
  }
}
