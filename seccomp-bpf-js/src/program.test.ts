import t from 'tap'
import { BPF_AND_K, BPF_JEQ_K, BPF_LD_W_ABS, decodeFilter, programWriter } from './program.ts'
import { FULL } from './rule-chain.ts'
import { simulate } from './simulate.ts'

/**
 * A program whose parts, `gap` instructions long, all jump to one test at its end. For number 5 the test returns 1, for another
 * one 2; the last part jumps there for `wanted`, and otherwise returns 100.
 */
const returned = (parts: number, gap: number, wanted: number, number: number): number => {
  const writer = programWriter(() => 0)
  const target = writer.jump(BPF_JEQ_K, 5, writer.ret(1), writer.ret(2))
  let last = target
  for (let part = 0; part < parts; part++) {
    for (let i = 0; i < gap; i++) writer.step(BPF_AND_K, FULL)
    last = writer.jump(BPF_JEQ_K, wanted, target, writer.ret(100))
  }
  writer.goto(last)
  writer.step(BPF_LD_W_ABS, 0)
  return simulate(decodeFilter(writer.encode('little'), 'little'), { arch: 0, number, args: [] }).action
}

t.test('a jump reaches its target near and far, and far again', async (t) => {
  for (const parts of [1, 2, 3, 4, 5])
    for (const gap of [
      0, 1, 60, 61, 62, 63, 64, 120, 125, 126, 127, 128, 200, 252, 253, 254, 255, 256, 257, 300, 600,
    ]) {
      const about = `${parts} parts of ${gap}`
      t.equal(returned(parts, gap, 5, 5), 1, about)
      t.equal(returned(parts, gap, 6, 6), 2, about)
      t.equal(returned(parts, gap, 5, 6), 100, about)
    }
})
