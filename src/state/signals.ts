// Signals by name and number for `kill` (signal(7), x86 and arm numbers).

const numbers: { readonly [name: string]: number } = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
}

export const signalNames: readonly string[] = Object.keys(numbers)

export const SIGKILL = 9
export const SIGTERM = 15
const SIGRTMIN = 34
const SIGRTMAX = 64

/** `TERM`, `SIGTERM`, `sigterm`, `RTMIN+3` or a number from 0 to 64; undefined if it is not a signal. */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text) <= SIGRTMAX ? Number(text) : undefined
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (Object.hasOwn(numbers, name)) return numbers[name]
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realtime === null) return undefined
  const base = realtime[1] === 'MIN' ? SIGRTMIN : SIGRTMAX
  const number = base + (realtime[2] === '-' ? -1 : 1) * Number(realtime[3] ?? 0)
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined
}
