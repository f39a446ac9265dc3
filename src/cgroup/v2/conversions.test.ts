import t from 'tap'
import { blockIoToIoWeight, sharesToWeight, swapMax } from './conversions.ts'

t.test('shares to weight: the ends, the default, and values that runc and crun give', (t) => {
  const weights: [bigint, number][] = [
    [0n, 1],
    [2n, 1],
    [10n, 4],
    [100n, 17],
    [512n, 59],
    [1024n, 100],
    [2048n, 174],
    [20000n, 1112],
    [262144n, 10000],
    [18446744073709551615n, 10000],
  ]
  for (const [shares, weight] of weights) t.equal(sharesToWeight(shares), weight, `${shares}`)
  t.end()
})

t.test('more shares never get less weight', (t) => {
  let previous = 0
  for (let shares = 2n; shares < 262144n; shares += 97n) {
    const weight = sharesToWeight(shares)
    if (weight < previous || weight > 10000) t.fail(`${shares} gives ${weight} after ${previous}`)
    previous = weight
  }
  t.equal(previous, 9999)
  t.end()
})

t.test('block IO weight', (t) => {
  t.equal(blockIoToIoWeight(10), 1)
  t.equal(blockIoToIoWeight(1000), 10000)
  t.equal(blockIoToIoWeight(500), 4950)
  t.equal(blockIoToIoWeight(5), 1, 'below the range: its lowest')
  t.end()
})

t.test('swap', (t) => {
  t.equal(swapMax(100n, 300n), '200')
  t.equal(swapMax(100n, 100n), '0')
  t.equal(swapMax(-1n, 300n), '300')
  t.equal(swapMax(-1n, undefined), 'max')
  t.equal(swapMax(100n, undefined), undefined)
  t.equal(swapMax(undefined, -1n), 'max')
  t.end()
})
