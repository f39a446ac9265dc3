// What the beginning of a program says: the interpreter of its #! line, its architecture, its dynamic loader (execve(2), elf(5)).

/** elf.h, EM_*, as uname(2) names the machines. */
const machines: { readonly [machine: number]: string } = {
  3: 'i686',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64le',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
}
/** Machines whose programs another one may run, too. */
const compatible: { readonly [machine: string]: readonly string[] } = { x86_64: ['i686'], aarch64: ['arm'] }

const PT_INTERP = 3
/** execve(2): more of a #! line is cut off. */
const LONGEST_LINE = 255

export type Executable =
  | { readonly kind: 'script'; readonly interpreter: string; readonly line: string }
  | { readonly kind: 'elf'; readonly machine: string; readonly loader: string | undefined }
  | { readonly kind: 'other'; readonly isEmpty: boolean; readonly isText: boolean }

/** `head`: the first bytes of the file. */
export function readExecutable(head: Uint8Array): Executable {
  if (head[0] === 0x23 && head[1] === 0x21) return readScript(head)
  if (head[0] === 0x7f && latin1(head, 1, 4) === 'ELF') return readElf(head)
  // Tab, line feed, carriage return, and all that is printed.
  const isText = head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)
  return { kind: 'other', isEmpty: head.length === 0, isText }
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))

function readScript(head: Uint8Array): Executable {
  const end = head.indexOf(10)
  const line = latin1(head, 2, Math.min(end < 0 ? head.length : end, LONGEST_LINE))
  return { kind: 'script', interpreter: /^[ \t]*([^ \t]*)/.exec(line)?.[1] ?? '', line }
}

function readElf(head: Uint8Array): Executable {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const isLittle = head[5] === 1
  const is64 = head[4] === 2
  const number = (offset: number, bytes: 2 | 4 | 8): number => {
    if (offset + bytes > view.byteLength) return 0
    if (bytes === 8) return Number(view.getBigUint64(offset, isLittle))
    return bytes === 4 ? view.getUint32(offset, isLittle) : view.getUint16(offset, isLittle)
  }
  const machine = machines[number(18, 2)] ?? `ELF machine ${number(18, 2)}`
  const table = is64 ? number(32, 8) : number(28, 4)
  const [size, count] = is64 ? [number(54, 2), number(56, 2)] : [number(42, 2), number(44, 2)]
  let loader: string | undefined
  for (let index = 0; index < Math.min(count, 64); index++) {
    const entry = table + index * size
    if (number(entry, 4) !== PT_INTERP) continue
    const [offset, length] = is64
      ? [number(entry + 8, 8), number(entry + 32, 8)]
      : [number(entry + 4, 4), number(entry + 16, 4)]
    // Without the NUL. What is beyond the head is unknown.
    if (length > 1 && offset + length <= head.length) loader = latin1(head, offset, offset + length - 1)
  }
  return { kind: 'elf', machine, loader }
}

/** Whether a program for `machine` cannot run on a host with uname(2)'s machine `host`. */
export const isForeign = (machine: string, host: string): boolean =>
  machine !== host && !(compatible[host] ?? []).includes(machine)

/** A name from an image, for a message of one line. */
export const quoted = (name: string): string => JSON.stringify(name)
