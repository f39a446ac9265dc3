/**
 * config-linux.md "Sysctl": only parameters of namespaces that the container does not share with the host, as in runc
 * and crun; others would change the host. namespaces(7) and the pages it names list the parameters of each namespace.
 */

import type { Config } from '../config.ts'
import { findNamespace, quote, type Report } from '../rule.ts'
import { sysctlNamespace, sysctlPath } from '../sysctl.ts'

export function checkSysctl(config: Config, report: Report): void {
  for (const [name, value] of Object.entries(config.linux.sysctl)) {
    const path = `linux.sysctl[${JSON.stringify(name)}]`
    const parameter = sysctlPath(name)
    if (parameter.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      report(path, `${quote(name)} is not the name of a kernel parameter`)
      continue
    }
    const type = sysctlNamespace(parameter)
    if (type === undefined) report(path, 'is not namespaced: it would change the host')
    else if (findNamespace(config, type) === undefined) report(path, `needs a namespace of type ${type}`)
    else if (parameter === 'kernel/hostname' && value !== config.hostname) report(path, 'set hostname instead')
    else if (parameter === 'kernel/domainname' && value !== (config.domainname ?? value))
      report(path, `clashes with domainname, ${quote(config.domainname ?? '')}`)
  }
}
