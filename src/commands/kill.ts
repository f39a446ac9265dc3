// kill (runtime.md, "kill"): one signal to the container's process; to all of its processes with --all, and for SIGKILL where
// they share a pid namespace with others, for then killing the first does not end the rest.

import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { endCgroups } from '../state/destroy-container.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import { type ContainerRecord, mainCgroup } from '../state/record.ts'
import { SIGKILL, SIGTERM, signalNumber } from '../state/signals.ts'
import { stateRoot } from '../state/state-root.ts'
import { isAlive, thaw } from '../state/status.ts'
import type { Run } from './context.ts'

export const kill: Run<'kill'> = ({ native, globals }, { all }, [id = '', word]) => {
  const signal = word === undefined ? SIGTERM : signalNumber(word)
  if (signal === undefined) throw new RuntError('usage', `unknown signal "${word}"`)
  const container = loadContainer(native, stateRoot(native, globals.root).path, id)
  const reached =
    all || (signal === SIGKILL && container.record.pidNamespace === 'shared')
      ? signalAll(native, container, signal)
      : signalInit(native, container.record, signal)
  if (!reached && !all) throw new RuntError('state', 'container not running')
  // On v1 a frozen process dies only when it thaws.
  if (reached && signal === SIGKILL) thaw(native, container.record)
  return 0
}

function signalInit(native: Native, record: ContainerRecord, signal: number): boolean {
  // A zombie takes every signal and does nothing.
  return isAlive(native, record) && native.signal(record.pid, record.startTime, signal)
}

/** SIGKILL is to be the end of them all, also of those that are being forked meanwhile. */
function signalAll(native: Native, { record }: Container, signal: number): boolean {
  const directory = mainCgroup(record)
  if (directory === undefined) return signalInit(native, record, signal)
  const reached = native.signalCgroup(directory, signal) > 0
  if (!reached || signal !== SIGKILL) return reached
  endCgroups(native, record.cgroups)
  native.signalCgroup(directory, signal)
  return true
}
