// What the standard streams of a container were at the checkpoint, so that a restore can replace pipes: runc's file
// name and format.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'

const STREAMS_FILE = 'descriptors.json'

/** Saves the three links of /proc/PID/fd with the images. */
export function saveStreams(native: Native, images: string, pid: number): void {
  const names = [0, 1, 2].map((fd) => native.readLink(`/proc/${pid}/fd/${fd}`) ?? '')
  const path = `${images}/${STREAMS_FILE}`
  try {
    native.writeFile(path, JSON.stringify(names), 0o600)
  } catch (error) {
    throw hostFailure(path, error)
  }
}

/** Loads them. Throws if the file is missing: then the directory contains no checkpoint. */
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
