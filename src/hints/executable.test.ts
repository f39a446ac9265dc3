import t from 'tap'
import { elf } from '../../conformance/harness/elf.ts'
import { isForeign, readExecutable } from './executable.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
const cut = (file: Buffer, length = file.length): Uint8Array => new Uint8Array(file.subarray(0, length))

t.test('the interpreter of a #! line', async (t) => {
  for (const [text, interpreter, line] of [
    ['#!/bin/sh\necho', '/bin/sh', '/bin/sh'],
    ['#! \t/usr/bin/env  python3\n', '/usr/bin/env', ' \t/usr/bin/env  python3'],
    ['#!/bin/sh\r\n', '/bin/sh\r', '/bin/sh\r'],
    ['#!/bin/sh', '/bin/sh', '/bin/sh'],
    ['#!\n', '', ''],
  ] as const)
    t.same(readExecutable(bytes(text)), { kind: 'script', interpreter, line })
  t.match(
    readExecutable(bytes(`#!${'x'.repeat(4000)}`)),
    { line: 'x'.repeat(253) },
    'as much of it as the kernel reads',
  )
})

t.test('machine and loader of an ELF file', async (t) => {
  t.same(readExecutable(cut(elf(183))), { kind: 'elf', machine: 'aarch64', loader: undefined })
  t.same(readExecutable(cut(elf(62, '/lib/ld.so'))), { kind: 'elf', machine: 'x86_64', loader: '/lib/ld.so' })
  t.same(readExecutable(cut(elf(4711))), { kind: 'elf', machine: 'ELF machine 4711', loader: undefined })
})

t.test('a hostile ELF file gives no more than it has', async (t) => {
  t.match(readExecutable(cut(elf(62, '/lib/ld.so'), 0x204)), { loader: undefined }, 'the path is beyond the end')
  t.match(readExecutable(cut(elf(62, '/lib/ld.so'), 5)), { kind: 'elf', loader: undefined })
  const wild = elf(62, '/lib/ld.so')
  wild.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 32)
  wild.writeUInt16LE(0xffff, 56)
  t.match(readExecutable(cut(wild)), { kind: 'elf', loader: undefined })
})

t.test('a text file, an empty file and a binary file', async (t) => {
  t.match(readExecutable(bytes('echo\t"a"\r\n')), { kind: 'other', isText: true, isEmpty: false })
  t.match(readExecutable(bytes('')), { kind: 'other', isEmpty: true })
  t.match(readExecutable(bytes('MZ\x90\x00')), { kind: 'other', isText: false })
})

t.test('a 64-bit machine runs 32-bit programs of its family', async (t) => {
  t.equal(isForeign('i686', 'x86_64'), false)
  t.equal(isForeign('x86_64', 'x86_64'), false)
  t.equal(isForeign('x86_64', 'i686'), true)
  t.equal(isForeign('aarch64', 'x86_64'), true)
})
