// The end of a container's state directory.

import { errnoOf } from '../errno.ts'
import type { Native } from '../native.ts'
import { REPORT_FIFO, START_FIFO } from '../native.ts'
import { CGROUP_LINK, CONFIG_FILE, LAUNCH_FILE, STATE_FILE } from './record.ts'

/** The link to the cgroup goes last (record.ts). */
export function removeStateDirectory(native: Native, directory: string): void {
  try {
    native.removeDirectory(directory, CGROUP_LINK)
  } catch (error) {
    if (errnoOf(error) !== 'EMFILE') throw error
    // A limit of open files so low that the directory cannot be read: what is in it is known.
    for (const name of [REPORT_FIFO, START_FIFO, STATE_FILE, CONFIG_FILE, LAUNCH_FILE, CGROUP_LINK]) {
      if (native.status(`${directory}/${name}`) !== undefined) native.unlink(`${directory}/${name}`)
    }
    native.rmdir(directory)
  }
}
