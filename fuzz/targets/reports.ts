// Input from the other side of a launch: reports of init, and seccomp notifications.

import { ARCHITECTURES, compileSeccomp, type Seccomp } from 'seccomp-bpf-js'
import { stringify } from '../../src/config/json.ts'
import { parseConfig } from '../../src/config/parse-config.ts'
import { superviseDenied } from '../../src/launch/supervise-denied.ts'
import { type StepReport, WATCH_READABLE } from '../../src/native.ts'
import { describeFailure, describeWarning } from '../../src/plan/describe.ts'
import { cases } from '../../src/plan/fixtures/cases.ts'
import { unifiedHost } from '../../src/plan/fixtures/hosts.ts'
import { planOf } from '../../src/plan/fixtures/plan-of.ts'
import { nativeOf } from '../native.ts'
import { holds, orRuntError, type Target, textOf } from '../target.ts'

const plans = Object.values(cases).map((launch) => planOf(launch).plan)
const codes = ['', 'ENOENT', 'EPERM', 'EPROTO', 'E2BIG', 'EUNKNOWN']

/** Four bytes choose, the rest is the text. */
function report(input: Uint8Array): void {
  const [plan, list, step, code, ...said] = input
  const text = textOf(Uint8Array.from(said))
  const chosen = plans[(plan ?? 0) % plans.length] as (typeof plans)[number]
  const told: StepReport = {
    list: (list ?? 0) & 1 ? 'containerSteps' : 'runtimeSteps',
    step: (list ?? 0) & 2 ? 0xffffff00 + (step ?? 0) : (step ?? 0),
    syscall: (list ?? 0) & 4 ? 'init' : text.slice(0, 23),
    errno: (list ?? 0) & 8 ? 0 : 2,
    code: codes[(code ?? 0) % codes.length] as string,
    detail: (list ?? 0) & 16 ? '' : text.slice(0, 215),
  }
  const { message } = describeFailure(chosen, told)
  holds(
    `failure: ${message}`,
    message !== '' && !/undefined|\[object|\[native/.test(message.replace(told.detail, '').replace(told.syscall, '')),
  )
  const warning = describeWarning(chosen, told)
  holds('warning', typeof warning === 'string')
}

/** A profile, and after a NUL notifications of up to ten bytes: the call, the architecture, the arguments. */
function denied(input: Uint8Array): void {
  const end = input.indexOf(0)
  const profile = textOf(end < 0 ? input : input.subarray(0, end))
  const questions = end < 0 ? new Uint8Array() : input.subarray(end + 1, end + 101)
  const archs = Object.values(ARCHITECTURES)
  let at = 0
  const warnings: string[] = []
  const text = `{"ociVersion":"1.0.0","root":{"path":"/"},"process":{"cwd":"/","args":["x"],"user":{"uid":0,"gid":0}},"linux":{"seccomp":${profile}}}`
  const parsed = orRuntError(() => parseConfig(text, 'config.json'))
  // A container only runs if its profile could be compiled.
  const seccomp = parsed?.config.linux.seccomp as Seccomp | undefined
  if (seccomp === undefined || !('filter' in compileSeccomp(seccomp, { arch: 'SCMP_ARCH_X86_64' }))) return
  const native = nativeOf({
    env: () => undefined,
    realpath: (path) => path,
    readFile: () => text,
    probe: () => unifiedHost,
    supervise: () => (at < questions.length ? WATCH_READABLE : 0),
    receiveSeccompNotif: () => {
      const [low = 0, high = 0, arch = 0, value = 0] = questions.subarray(at)
      at += 10
      if (high === 255) return ''
      const { audit, base } = archs[arch % archs.length] as (typeof archs)[number]
      const args = Array.from({ length: 6 }, (_, i) => (i === value % 6 ? 'ffffffffffffffff' : value.toString(16)))
      return `7f ${value.toString(16)} ${(base + high * 256 + low).toString(16)} ${audit.toString(16)} ${args.join(' ')}`
    },
    readNotifiedString: (_listener, _question, address) => (address.endsWith('f') ? textOf(questions) : undefined),
    processStatus: () => undefined,
    sendSeccompResponse: (_listener, question, answer, errno) => {
      holds('an answer', question !== '' && ['continue', 'error', 'kill'].includes(answer))
      holds(`errno ${errno}`, Number.isInteger(errno) && errno >= 0 && errno <= 4095)
    },
  })
  const log = { report: (message: string) => warnings.push(message) } as never
  const launched = { config: parsed?.config, record: { pid: 1 }, listener: 3 } as never
  const status = orRuntError(() => superviseDenied({ native, log } as never, launched))
  holds('a status', status === undefined || status === 0)
  for (const warning of warnings) holds(warning, !/undefined|NaN|\[object/.test(warning))
}

const profile = stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] })
const actions = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_LOG',
  'SCMP_ARCH_X86',
  '\0',
  profile,
]

export const reports: readonly Target[] = [
  { name: 'report', form: 'bytes', words: ['signal 31', 'by signal 9', 'init was killed', '%s', '\n'], run: report },
  { name: 'denied', form: 'bytes', words: actions, run: denied },
]
