/**
 * hugetlb controller (config-linux.md, Huge page limits; kernel Documentation/admin-guide/cgroup-v1/hugetlb.rst), v1
 * and v2, which differ only in the files' suffix. The limit also applies to reserved pages, if the kernel (5.7)
 * supports that.
 */

import type { Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { ENOENT } from '../../steps/constants.ts'
import type { Purpose, Write } from '../write.ts'

export function hugetlbWrites(resources: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  return pageLimitWrites(resources, 'limit_in_bytes', problems)
}

/** `suffix` is the name of the limit's file after the page size. */
export function pageLimitWrites({ hugepageLimits }: Resources, suffix: string, problems: Problem[]): Write[] {
  return hugepageLimits.flatMap(({ pageSize, limit }, i): Write[] => {
    const from = `linux.resources.hugepageLimits[${i}]`
    if (!isPageSize(pageSize)) {
      problems.push({
        path: `${from}.pageSize`,
        message: `${JSON.stringify(pageSize)} is not a page size such as "2MB"`,
      })
      return []
    }
    const data = limit.toString()
    return [
      { file: `hugetlb.${pageSize}.${suffix}`, data, from },
      { file: `hugetlb.${pageSize}.rsvd.${suffix}`, data, from, tolerate: [ENOENT] },
    ]
  })
}

/** Whether it is a number and KB, MB or GB: it becomes part of a file name. */
function isPageSize(text: string): boolean {
  return /^[1-9][0-9]*[KMG]B$/.test(text)
}
