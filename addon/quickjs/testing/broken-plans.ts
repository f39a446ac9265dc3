// Invalid launch plans, and launch functions called out of order, for arguments.ts.

import { type Addon, expect, fail, type Outcome } from './outcome.ts'

const empty = { slots: [], runtimeSteps: [], containerSteps: [] }
const steps = (...runtimeSteps: readonly unknown[]) => ({ ...empty, runtimeSteps })
const getter = (object: object, name: PropertyKey): object => Object.defineProperty(object, name, { get: fail })
const cyclic: unknown[] = []
cyclic.push(cyclic)
const huge = new Array(2 ** 32 - 1)
const wrong = 'wrong type, out of range or with a NUL'
const umask = (mode: unknown) => steps({ op: 'umask', mode })
const groups = (gids: unknown) => steps({ op: 'setgroups', gids })
const filter = (bytes: unknown) => steps({ op: 'seccomp', filter: bytes, flags: 0 })
const hostname = (name: unknown) => steps({ op: 'sethostname', name })
const tolerated = (tolerate: unknown) => steps({ op: 'umask', mode: 0, tolerate })

/** The plan and the expected error. */
const cases: Readonly<Record<string, readonly [unknown, string]>> = {
  'no slots': [{}, 'TypeError: launch: plan.slots: must be an array'],
  'a plan that is an array': [[], 'TypeError: launch: plan.slots: must be an array'],
  'slots that are a number': [{ ...empty, slots: 5 }, 'TypeError: launch: plan.slots: must be an array'],
  'a getter for slots': [getter({ ...empty }, 'slots'), 'Error: from a getter'],
  'huge slots': [{ ...empty, slots: huge }, 'Error: out of memory: no room for the launch plan'],
  'no runtimeSteps': [{ slots: [] }, 'TypeError: launch: plan.runtimeSteps: must be an array'],
  'no containerSteps': [{ slots: [], runtimeSteps: [] }, 'TypeError: launch: plan.containerSteps: must be an array'],
  'a getter for runtimeSteps': [getter({ ...empty }, 'runtimeSteps'), 'Error: from a getter'],
  'a getter for containerSteps': [getter({ ...empty }, 'containerSteps'), 'Error: from a getter'],
  'a getter for a step': [{ ...empty, runtimeSteps: getter([], 0) }, 'Error: from a getter'],
  'huge steps': [{ ...empty, runtimeSteps: huge }, 'Error: out of memory: no room for the launch plan'],
  'a step that is a number': [steps(5), 'TypeError: runtimeSteps[0] (?) op: unknown operation'],
  'a step that is null': [steps(null), 'TypeError: runtimeSteps[0] (?) op: unknown operation'],
  'a step that is the list': [
    { ...empty, runtimeSteps: cyclic },
    'TypeError: runtimeSteps[0] (?) op: unknown operation',
  ],
  'an operation that is none': [
    steps({ op: 'umask' }, { op: 'nothing' }),
    'TypeError: runtimeSteps[0] (umask) mode: missing',
  ],
  'a getter for op': [steps(getter({}, 'op')), 'Error: from a getter'],
  'a getter for a field': [steps(getter({ op: 'umask' }, 'mode')), 'Error: from a getter'],
  'a getter for tolerate': [steps(getter({ op: 'umask', mode: 0 }, 'tolerate')), 'Error: from a getter'],
  'a getter in a list': [groups(getter([], 0)), 'Error: from a getter'],
  'tolerate that is a number': [tolerated(5), 'TypeError: runtimeSteps[0] (umask) tolerate: must be an array'],
  'five tolerated errnos': [
    tolerated([1, 2, 3, 4, 5]),
    'TypeError: runtimeSteps[0] (umask) tolerate: at most four errnos',
  ],
  'a slot that is not there': [steps({ op: 'fchdir', fd: 0 }), `TypeError: runtimeSteps[0] (fchdir) fd: ${wrong}`],
  ...Object.fromEntries(
    [null, 'x', 1.5, NaN, Infinity, 2 ** 64, 2n ** 64n, -(2n ** 63n) - 1n, {}, [], Symbol('s')].map((mode) => [
      `the integer ${String(mode)} (${typeof mode})`,
      [umask(mode), `TypeError: runtimeSteps[0] (umask) mode: ${wrong}`] as const,
    ]),
  ),
  ...Object.fromEntries(
    [null, 'x', 5, {}, [null], cyclic, ['x'], new Uint8Array(1)].map((gids, index) => [
      `list ${index}`,
      [groups(gids), `TypeError: runtimeSteps[0] (setgroups) gids: ${wrong}`] as const,
    ]),
  ),
  'a huge list': [groups(huge), 'Error: out of memory: no room for the launch plan'],
  ...Object.fromEntries(
    [null, 'x', 5, {}, [1], new ArrayBuffer(1), new Int8Array(1)].map((bytes, index) => [
      `bytes ${index}`,
      [filter(bytes), `TypeError: runtimeSteps[0] (seccomp) filter: ${wrong}`] as const,
    ]),
  ),
  ...Object.fromEntries(
    [null, 5, {}, ['x'], 'a\0b', Symbol('s')].map((name, index) => [
      `string ${index}`,
      [hostname(name), `TypeError: runtimeSteps[0] (sethostname) name: ${wrong}`] as const,
    ]),
  ),
}

export const brokenPlans = (native: Addon): readonly Outcome[] =>
  Object.entries(cases).map(([name, [plan, expected]]) =>
    expect(`a launch with ${name}`, expected, () => native.launch?.(plan)),
  )

/** A launch pauses at save_state; resume and abandon need a paused launch. */
export const launches = (native: Addon): readonly Outcome[] => {
  const launch = (plan: unknown): unknown => native.launch?.(plan)
  const kind = (event: unknown): never => {
    throw new Error((event as { kind: string }).kind)
  }
  const waiting = steps({ op: 'save_state' })
  const within = Object.defineProperty({ ...empty }, 'containerSteps', { get: () => launch(empty) })
  return [
    expect('resume without a launch', 'Error: resume: EINVAL', () => native.resume?.()),
    expect('abandon without a launch', 'Error: abandon: EINVAL', () => native.abandon?.()),
    expect('a launch within a launch', 'Error: launch: EBUSY', () => launch(within)),
    expect('a launch that waits', 'Error: paused', () => kind(launch(waiting))),
    expect('a second launch', 'Error: launch: EBUSY', () => launch(empty)),
    expect('its end', 'Error: done', () => kind(native.resume?.())),
    expect('resume after the end', 'Error: resume: EINVAL', () => native.resume?.()),
    expect('abandon after the end', 'Error: abandon: EINVAL', () => native.abandon?.()),
    expect('a launch that is given up', 'Error: paused', () => kind(launch(waiting))),
    expect('giving it up', 'gave undefined', () => native.abandon?.()),
    expect('resume after that', 'Error: resume: EINVAL', () => native.resume?.()),
    expect('a launch that fails', 'Error: failed', () => kind(launch(steps({ op: 'find_home', uid: 0, resolve: 2 })))),
    expect('resume after a failure', 'Error: resume: EINVAL', () => native.resume?.()),
  ]
}
