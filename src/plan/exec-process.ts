// The process that `exec` runs (runc-exec(8)): the file of --process, or the container's own process with other
// arguments and the changes of the flags. The rest is inherited from the container. Pure; checks everything from the
// command line.

import type { Capabilities, Config, Process, User } from '../config/config.ts'
import { checkProcess, isCapability } from '../config/rules/process.ts'
import { formatProblem, formatProblems, type Problem, RuntError } from '../errors.ts'

/** The flags of `exec` that describe the process. */
export interface ProcessFlags {
  readonly cwd: string | undefined
  readonly env: readonly string[]
  readonly tty: boolean
  readonly user: string | undefined
  readonly 'additional-gids': readonly string[]
  readonly 'process-label': string | undefined
  readonly apparmor: string | undefined
  readonly 'no-new-privs': boolean
  readonly cap: readonly string[]
}

/** The container's process with other arguments. `warn` reports flags without effect. */
export function processOfFlags(
  config: Config,
  flags: ProcessFlags,
  args: readonly string[],
  warn: (warning: Problem) => void = () => {},
): Process {
  const own = containerProcess(config)
  if (args.length === 0)
    throw new RuntError(
      'usage',
      'process args cannot be empty: a command must follow the container id, or use --process',
    )
  for (const variable of flags.env) checkVariable(variable)
  const process: Process = {
    ...own,
    args,
    env: [...own.env, ...flags.env],
    terminal: flags.tty,
    noNewPrivileges: own.noNewPrivileges || flags['no-new-privs'],
    user: userOf(own.user, flags),
    ...(flags.cwd && { cwd: flags.cwd }),
    ...(flags['process-label'] && { selinuxLabel: flags['process-label'] }),
    ...(flags.apparmor && { apparmorProfile: flags.apparmor }),
    ...(flags.cap.length > 0 && { capabilities: withCapabilities(own.capabilities, flags.cap) }),
  }
  const problems: Problem[] = []
  checkProcess(
    process,
    '',
    (path, message) => problems.push({ path, message }),
    () => {},
  )
  if (problems.length > 0) throw new RuntError('usage', formatProblems(problems), { problems })
  for (const name of flags.cap) if (!isCapability(name)) warn(unknownCapability(name))
  return process
}

function checkVariable(variable: string): void {
  const at = variable.indexOf('=')
  if (at > 0) return
  const advice = at < 0 && /^\w+$/.test(variable) ? `; for the value of your own: ${variable}="$${variable}"` : ''
  const message = `must be NAME=value${advice}`
  throw new RuntError('usage', formatProblem({ path: `--env ${variable}`, message }), { path: '--env' })
}

/** A warning, not an error, as in runc and as for the config. */
function unknownCapability(name: string): Problem {
  const prefixed = `CAP_${name.toUpperCase()}`
  const meant = isCapability(prefixed) ? `; did you mean ${prefixed}?` : ''
  return { path: '--cap', message: `unknown capability ${JSON.stringify(name)} is left out${meant}` }
}

/** A process file replaces everything except what the container sets for all of its processes. */
export function processOfFile(config: Config, given: Process): Process {
  const own = containerProcess(config)
  const { initial, final } = given.execCPUAffinity
  const hasAffinity = initial !== undefined || final !== undefined
  const process: { -readonly [K in keyof Process]: Process[K] } = {
    ...own,
    ...given,
    rlimits: given.rlimits.length > 0 ? given.rlimits : own.rlimits,
    execCPUAffinity: hasAffinity ? given.execCPUAffinity : own.execCPUAffinity,
  }
  if (given.consoleSize === undefined) delete process.consoleSize
  if (given.user.umask === undefined && own.user.umask !== undefined)
    process.user = { ...given.user, umask: own.user.umask }
  return process
}

function containerProcess({ process }: Config): Process {
  if (process === undefined) throw new RuntError('config', 'process: is missing in the container', { path: 'process' })
  return process
}

/** User names are refused: whoever can write the image's /etc/passwd must not choose the uid (CVE-2016-3697). */
function userOf(own: User, flags: ProcessFlags): User {
  const additionalGids = flags['additional-gids'].map((text) => parseId(text, '--additional-gids', 'group'))
  const user = { ...own, additionalGids: [...own.additionalGids, ...additionalGids] }
  if (!flags.user) return user
  const [uid = '', ...rest] = flags.user.split(':')
  user.uid = parseId(uid, `--user ${flags.user}`, 'user')
  if (rest.length > 0) user.gid = parseId(rest.join(':'), `--user ${flags.user}`, 'group')
  return user
}

/** 2^32 - 1 means "unchanged" to the kernel. */
const LARGEST_ID = 4294967294

function parseId(text: string, path: string, noun: 'user' | 'group'): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (id <= LARGEST_ID) return id
  const message = `${JSON.stringify(text)} is no ${noun} id: it must be a number from 0 to ${LARGEST_ID}`
  throw new RuntError('usage', formatProblem({ path, message }), { path })
}

/** As in runc: added to the ambient set only if the container has inheritable capabilities. */
function withCapabilities(own: Capabilities | undefined, added: readonly string[]): Capabilities {
  const { bounding = [], effective = [], permitted = [], inheritable = [], ambient = [] } = own ?? {}
  return {
    bounding: [...bounding, ...added],
    effective: [...effective, ...added],
    permitted: [...permitted, ...added],
    inheritable,
    ambient: inheritable.length > 0 ? [...ambient, ...added] : ambient,
  }
}
