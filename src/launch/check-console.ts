import { RuntError } from '../errors.ts'

/**
 * runc's rule for a terminal: --console-socket receives it, unless this runtime serves it. `asked` is what asked for the
 * terminal.
 */
export function checkConsole(
  asked: 'process.terminal' | '--tty',
  { terminal, isServed }: { readonly terminal: boolean; readonly isServed: boolean },
  socket: string | undefined,
): void {
  if (terminal && !isServed && socket === undefined) {
    if (asked === '--tty') throw new RuntError('usage', '--tty: --console-socket is required with --detach')
    throw new RuntError('usage', 'process.terminal is true: --console-socket is required', { path: asked })
  }
  if (!terminal && socket !== undefined)
    throw new RuntError('usage', `--console-socket: the process has no terminal to send; see ${asked}`)
}
