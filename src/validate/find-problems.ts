// All that is wrong with a config: what its text shows, and what this host would refuse. Problems are what makes `run`
// fail; warnings are what it ignores.

import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { type ValidatedConfig, validateConfig } from '../config/parse-config.ts'
import type { Report } from '../config/rule.ts'
import { type Problem, RuntError } from '../errors.ts'
import { refuseHostSysctls } from '../host/host-sysctl.ts'
import { ownCapabilities } from '../host/own-process.ts'
import { dryOptions } from '../launch/dry-plan.ts'
import { rootfsOf, seccompReceiver } from '../launch/load-bundle.ts'
import type { Source } from '../launch/open-source.ts'
import { checkFilter } from '../plan/check-filter.ts'
import { hostFacts } from '../plan/host-facts.ts'
import type { ConfigContext, HostContext } from './check.ts'
import { type Findings, locate } from './findings.ts'
import { anyHost, anyOptions, planProblems, problemOf } from './plan-problems.ts'
import { mountPoints } from './root-checks.ts'
import { configChecks, hostChecks, madeByHooks, textChecks } from './tables.ts'

type Where = Pick<Context, 'native' | 'globals'>

export function findProblems(where: Where, source: Source, look: 'host' | 'text'): Findings {
  const { problems, warnings } = check(where, source, look)
  const input = { file: source.configPath, text: source.configText }
  return { problems: locate(problems, input), warnings: locate(warnings, input) }
}

interface Found {
  readonly problems: Problem[]
  readonly warnings: Problem[]
}

function check(where: Where, source: Source, look: 'host' | 'text'): Found {
  let validated: ValidatedConfig
  try {
    validated = validateConfig(source.configText, source.configPath, seccompReceiver(where.native))
  } catch (error) {
    if (!(error instanceof RuntError) || error.problems === undefined) throw error
    return { problems: [...error.problems], warnings: [] }
  }
  const { config, ...found } = validated
  if (config === undefined) return found
  const context = { config, report: reportNew(found.problems), warn: reportTo(found.warnings) }
  const isBroken = found.problems.length > 0
  try {
    for (const [, run] of look === 'host' ? configChecks : [...configChecks, ...textChecks]) run(context)
    if (look === 'host') checkOnHost(where, source, context)
    else checkAnywhere(where, source, context)
  } catch (error) {
    // The other checks rely on the rules: their result is only more than what has been found.
    if (!isBroken) throw error
  }
  return found
}

/** Nothing more about properties that break a rule. */
function reportNew(problems: Problem[]): Report {
  const known = problems.map(({ path }) => path)
  const report = reportTo(problems)
  return (path, message, suggestion) => {
    if (path === '' || !known.some((other) => path.startsWith(other) || other.startsWith(path)))
      report(path, message, suggestion)
  }
}

const reportTo =
  (list: Problem[]): Report =>
  (path, message, suggestion) =>
    void list.push({ path, message, ...(suggestion !== undefined && { suggestion }) })

const ID = 'validate'

/** Cgroups are not judged: each version has other files. */
function checkAnywhere({ native }: Where, { path }: Source, context: ConfigContext): void {
  const { arch } = hostFacts(native.probe())
  const { linux, ...rest } = context.config
  const { intelRdt: _, ...others } = linux
  const { problems, warnings } = planProblems({ ...rest, linux: others }, anyHost(arch), anyOptions(ID, path))
  addAll(
    context,
    problems,
    warnings.filter(({ message }) => !message.includes('without cgroups')),
  )
  addFilter(context, arch)
}

function checkOnHost(where: Where, source: Source, context: ConfigContext): void {
  const { native } = where
  const { config, report } = context
  const facts = hostFacts(native.probe())
  const options = dryOptions(where, facts, { config, path: source.path }, { id: ID, mode: 'run' })
  const { planned, problems, warnings } = planProblems(config, facts, options)
  addAll(context, problems, warnings)
  addFilter(context, facts.arch)
  const bundle = source.hasDirectory ? source.path : undefined
  const rootfs = attempt(context, () => findRootfs(where, source, config))
  attempt(context, () => refuseHostSysctls(native, config))
  const capabilities = ownCapabilities(native) ?? 0n
  const points = rootfs === undefined ? [] : mountPoints(native, rootfs, config)
  const host: HostContext = { ...context, native, facts, bundle, rootfs, points, planned, capabilities }
  const hasHooks = earlyHooks.some((kind) => config.hooks[kind].length > 0)
  for (const [property, run] of hostChecks) {
    try {
      run(hasHooks && madeByHooks.includes(property) ? withWarnings(host) : host)
    } catch (error) {
      if (!(error instanceof RuntError)) throw error
      const { path, message } = problemOf(error)
      report(path === '' ? property : path, message)
    }
  }
}

/** Those that run before the program does. */
const earlyHooks = ['prestart', 'createRuntime', 'createContainer'] as const

const withWarnings = (host: HostContext): HostContext => ({
  ...host,
  report: (path, message, suggestion) => host.warn(path, `${message}, unless a hook changes that`, suggestion),
})

/** undefined: it is not known where the root file system is. */
function findRootfs({ native }: Where, source: Source, config: Config): string | undefined {
  if (!source.hasDirectory && !config.root.path.startsWith('/')) return undefined
  return rootfsOf(native, { ...source, config, warnings: [] })
}

/** Reports what is thrown. */
function attempt<T>({ report }: ConfigContext, action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
    const { path, message } = problemOf(error)
    report(path, message)
    return undefined
  }
}

function addAll({ report, warn }: ConfigContext, problems: readonly Problem[], warnings: readonly Problem[]): void {
  for (const { path, message, suggestion } of problems) report(path, message, suggestion)
  for (const { path, message, suggestion } of warnings) {
    // Both are told by name elsewhere.
    if (/^ignored for a bind mount|^unknown system calls skipped/.test(message)) continue
    warn(path, message, suggestion)
  }
}

function addFilter(context: ConfigContext, arch: Parameters<typeof checkFilter>[1]): void {
  const { problems, warnings } = checkFilter(context.config, arch)
  addAll(context, problems, warnings)
}
