/*
 * The receivers that engines provide to a runtime: a socket for the master of the container's terminal
 * (--console-socket), one for a pidfd (--pidfd-socket), and a terminal for foreground containers. aid.c receives the
 * descriptors, because Node cannot.
 */
import { join } from 'node:path'
import { compiled } from './project.ts'
import { type Box, type Running, until } from './scenario.ts'

export interface Console {
  readonly socket: string
  readonly running: Running
  /** Waits for the descriptor and returns the line that describes it. */
  readonly master: () => Promise<{ readonly name: string; readonly rows: number; readonly columns: number }>
  /** What the container wrote to its terminal. */
  readonly text: () => string
}

async function listen(box: Box, verb: 'console' | 'pidfd', socket: string): Promise<Running> {
  const running = box.helper([compiled('aid'), verb, socket])
  await until(() => running.output().stdout.startsWith('listening\n'), `aid ${verb}`)
  return running
}

/** A console socket, ready to be named on the command line. */
export async function openConsole(box: Box, name = 'console.sock'): Promise<Console> {
  const socket = join(box.dir, name)
  const running = await listen(box, 'console', socket)
  const line = (): RegExpExecArray | null => /^master (.*) (\d+) (\d+)$/m.exec(running.output().stdout)
  return {
    socket,
    running,
    master: async () => {
      await until(line, 'the console descriptor')
      const [, sent = '', rows, columns] = line() ?? []
      return { name: sent, rows: Number(rows), columns: Number(columns) }
    },
    text: () => running.output().stdout.split('\n').slice(2).join('\n'),
  }
}

export interface PidfdReceiver {
  readonly socket: string
  /** Waits for the descriptor and returns its pid. */
  readonly pid: () => Promise<number>
  readonly exited: () => boolean
}

/** A pidfd socket, ready to be named on the command line. */
export async function openPidfd(box: Box, name = 'pidfd.sock'): Promise<PidfdReceiver> {
  const socket = join(box.dir, name)
  const running = await listen(box, 'pidfd', socket)
  const pid = (): number => Number(/^pid (\d+)$/m.exec(running.output().stdout)?.[1] ?? 0)
  return {
    socket,
    pid: async () => {
      await until(pid, 'the pidfd')
      return pid()
    },
    exited: () => running.output().stdout.endsWith('exited\n'),
  }
}

/** The prefix that runs a command on a terminal of its own, of that size. */
export const onTerminal = (rows: number, columns: number): readonly string[] => [
  compiled('aid'),
  'pty',
  String(rows),
  String(columns),
]
