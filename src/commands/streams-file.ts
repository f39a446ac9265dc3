// What the standard streams of a container were when it was saved, so that pipes can be given new ones: runc's file, by name and form.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'

const STREAMS_FILE = 'descriptors.json'

/** Writes what /proc/PID/fd tells of the three into the images. */
export function saveStreams(native: Native, images: string, pid: number): void {
  const names = [0, 1, 2].map((fd) => native.readLink(`/proc/${pid}/fd/${fd}`) ?? '')
  const path = `${images}/${STREAMS_FILE}`
  try {
    native.writeFile(path, JSON.stringify(names), 0o600)
  } catch (error) {
    throw hostFailure(path, error)
  }
}

/** Reads it again. Throws where it is missing: the directory holds no checkpoint. */
export function loadStreams(native: Native, images: string): readonly string[] {
  const path = `${images}/${STREAMS_FILE}`
  let names: unknown
  try {
    names = JSON.parse(native.readFile(path))
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntError('host', `${path}: ${error.message}`)
    throw hostFailure(path, error, 'is it the --image-path of a checkpoint?')
  }
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw new RuntError('host', `${path}: must be a list of strings`)
  return names
}
