/* An ELF program that does nothing, for errors of execve(2). */

const [TEXT, HEADER, ENTRY] = [0x200, 64, 56]
const PT_INTERP = 3

/** `machine`: e_machine of elf(5); `loader`: the path in PT_INTERP. */
export function elf(machine: number, loader = ''): Buffer {
  const file = Buffer.alloc(0x1000)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(machine, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(0x400100n, 24)
  file.writeBigUInt64LE(BigInt(HEADER), 32)
  file.writeUInt16LE(HEADER, 52)
  file.writeUInt16LE(ENTRY, 54)
  file.writeUInt16LE(loader === '' ? 0 : 1, 56)
  if (loader === '') return file
  file.writeUInt32LE(PT_INTERP, HEADER)
  file.writeUInt32LE(4, HEADER + 4)
  file.writeBigUInt64LE(BigInt(TEXT), HEADER + 8)
  for (const offset of [32, 40]) file.writeBigUInt64LE(BigInt(loader.length + 1), HEADER + offset)
  file.write(loader, TEXT)
  return file
}
