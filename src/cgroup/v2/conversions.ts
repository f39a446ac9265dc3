/**
 * Converts values of cgroup v1, which the spec uses, to v2: CPU shares, block IO weight, memory+swap (config-linux.md;
 * kernel Documentation/admin-guide/cgroup-v2.rst).
 */

/**
 * CPU shares [2, 262144], default 1024, to a weight [1, 10000], default 100: the curve through these three points that
 * runc 1.4 and crun 1.23 use. The earlier linear conversion gave the default a weight of 39.
 */
export function sharesToWeight(shares: bigint): number {
  if (shares <= 2n) return 1
  if (shares >= 262144n) return 10000
  const l = Math.log2(Number(shares))
  const exponent = (l * l + 125 * l) / 612 - 7 / 34
  return Math.ceil(10 ** exponent)
}

/** Block IO weight [10, 1000] to io.weight [1, 10000], linear. */
export function blockIoToIoWeight(weight: number): number {
  return 1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990)
}

/** memory.swap.max, or undefined if nothing is to be written. v1's value counts memory and swap, v2's only swap. */
export function swapMax(limit: bigint | undefined, swap: bigint | undefined): string | undefined {
  if (swap === undefined || swap === 0n) return limit === -1n ? 'max' : undefined
  if (swap < 0n) return 'max'
  if (limit === undefined || limit <= 0n) return swap.toString()
  return (swap - limit).toString()
}
