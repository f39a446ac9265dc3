// kill (runtime.md, "kill"): sends a signal to the container's process; to all of its processes with --all, and with
// SIGKILL if they share a pid namespace with others, because then killing the first does not end the rest.

import type { Run } from '../cli/context.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { endCgroups } from '../state/destroy-container.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import { withOwnCgroups } from '../state/own-cgroups.ts'
import { type ContainerRecord, mainCgroup } from '../state/record.ts'
import { SIGKILL, SIGTERM, signalNumber } from '../state/signals.ts'
import { stateRoot } from '../state/state-root.ts'
import { isAlive, thaw } from '../state/status.ts'

export const kill: Run<'kill'> = ({ native, globals }, { all }, [id = '', word]) => {
  // An empty word means the default, as in runc and crun.
  const signal = word === undefined || word === '' ? SIGTERM : signalNumber(word)
  if (signal === undefined) throw new RuntError('usage', `unknown signal "${word}"`)
  const container = loadContainer(native, stateRoot(native, globals.root).path, id)
  const reached =
    all || (signal === SIGKILL && container.record.pidNamespace === 'shared')
      ? signalAll(native, container, signal)
      : signalInit(native, container.record, signal)
  if (!reached && !all) throw new RuntError('state', 'container not running')
  // On v1 a frozen process does not die until it is thawed.
  if (reached && signal === SIGKILL) thaw(native, container.record)
  return 0
}

function signalInit(native: Native, record: ContainerRecord, signal: number): boolean {
  // A zombie accepts every signal and ignores it.
  return isAlive(native, record) && native.signal(record.pid, record.startTime, signal)
}

/** SIGKILL must end all processes, including those being forked meanwhile. */
function signalAll(native: Native, container: Container, signal: number): boolean {
  const { record } = withOwnCgroups(native, container)
  const directory = mainCgroup(record)
  if (directory === undefined) return signalInit(native, record, signal)
  // An empty or missing cgroup does not mean that the container has ended.
  if (native.signalCgroup(directory, signal) === 0) return signalInit(native, record, signal)
  if (signal !== SIGKILL) return true
  endCgroups(native, record.cgroups)
  native.signalCgroup(directory, signal)
  return true
}
