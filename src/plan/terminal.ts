// The terminal (config.md "terminal", "consoleSize"): a pty of the container's own devpts; its peer becomes
// /dev/console and descriptors 0 to 2, its master goes to the caller (--console-socket) or to the runtime itself
// (foreground).

import { AT_EMPTY_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../steps/constants.ts'
import { ON_MISSING_CREATE, type Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import type { PlanContext, ProcessContext, SectionSteps } from './context.ts'
import { openTarget } from './mount-steps.ts'

const SOCK_STREAM = 1
const KEEP_GROUP = -1 // keep the group of devpts' gid= option

export interface TerminalSteps extends SectionSteps {
  /** After setsid: makes it the controlling terminal and the standard streams. */
  readonly attach: readonly Step[]
  /** After clone: the runtime receives the master. */
  readonly runtimeAfter: readonly Step[]
}

const from = 'process.terminal'

/** Before the root is made read-only: the terminal is also mounted on /dev/console. */
export function terminalSteps(context: PlanContext): TerminalSteps {
  return ptySteps(context, context.shared.devpts, (peer) => consoleSteps(context, peer))
}

function consoleSteps(context: PlanContext, peer: number): Step[] {
  const tree = temporary('mount')
  const target = openTarget(context, from, '/dev/console', { onMissing: ON_MISSING_CREATE })
  return [
    target,
    { op: 'open_tree', from, at: peer, flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH, into: tree },
    { op: 'move_mount', from, mount: tree, to: target.into },
    endSection(from),
  ]
}

/** In init: opens the pty, runs the steps of `withPeer`, sends the master. */
export function ptySteps(
  context: ProcessContext,
  devpts: number | undefined,
  withPeer: (peer: number) => readonly Step[],
): TerminalSteps {
  const { process, options, slots } = context
  if (!process.terminal) return { runtime: [], container: [], attach: [], runtimeAfter: [] }
  const [master, peer, socket] = [slots.allocate('pty master'), slots.allocate('pty'), slots.allocate('console socket')]
  const container: Step[] = [
    {
      op: 'open_pty',
      from,
      devpts,
      master,
      peer,
      columns: process.consoleSize?.width,
      rows: process.consoleSize?.height,
      uid: process.user.uid,
      gid: KEEP_GROUP,
      plainNewlines: options.plainNewlines ? 1 : 0,
    },
    ...withPeer(peer),
    { op: 'send_fd', from, socket, fd: master, name: '/dev/ptmx' },
    { op: 'close', from, slots: [master, socket] },
  ]
  const attach: Step[] = [
    { op: 'set_terminal', from, fd: peer },
    { op: 'close', from, slots: [peer] },
  ]
  if (options.consoleSocket !== undefined) {
    const connect: Step = {
      op: 'connect',
      from: '--console-socket',
      path: options.consoleSocket,
      type: SOCK_STREAM,
      into: socket,
    }
    return { runtime: [connect], container, attach, runtimeAfter: [] }
  }
  const ours = slots.allocate('our end of the console socket')
  return {
    runtime: [{ op: 'socketpair', from, ours, theirs: socket }],
    container,
    attach,
    runtimeAfter: [{ op: 'receive_terminal', from, socket: ours }],
  }
}
