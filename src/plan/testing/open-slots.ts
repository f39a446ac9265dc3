// Lists the descriptors that init has open at each step that resolves a name of the image, the config or the container
// (CVE-2024-21626). Follows the steps slot by slot; what is open must be declared here, by the slot's name and the
// property of the step.

import { type LaunchPlan, type Step, type StepOf, slotsOf } from '../../steps/launch-plan.ts'
import { TEMPORARIES } from '../../steps/slots.ts'
import type { Op } from '../../steps/step-table.ts'

/** Operations that resolve a name, directly or because the kernel resolves a value (a layer of an overlay). */
const resolving: ReadonlySet<Op> = new Set<Op>([
  'openat2',
  'open_covered',
  'open_tree',
  'mkdirat',
  'mknodat',
  'symlinkat',
  'write_file',
  'fsconfig',
  'move_mount',
  'mount',
  'umount2',
  'copy_up',
  'pivot_root',
  'chroot',
  'chdir',
  'run_hook',
  'reopen_null',
  'find_executable',
  'find_home',
  'execve',
])

/**
 * Kept from the step that fills them until the process's own names are resolved: the runtime's mounts, and the
 * terminal.
 */
const ownMounts = [
  'root',
  '/proc',
  '/dev',
  '/dev/pts',
  '/sys',
  'procfs',
  'cgroup tmpfs',
  'pty',
  'pty master',
  'sources',
]
/** Slots that the runtime passes for a later section. */
const handedOver = [
  /^(start|report)\.fifo$/,
  /^console socket$/,
  /^seccomp agent$/,
  /^run\.oci\.hooks\./,
  /^(bind|host|mount) \//,
  /^criu, its end$/,
  /^namespace \//,
  // Until they are joined.
  / namespace$/,
]
/**
 * May be open when the process's own names are resolved: the FIFOs of `start`, the terminal of `exec`, the output of
 * hooks.
 */
const kept = [/^(start|report)\.fifo$/, /^pty$/, /^run\.oci\.hooks\./, /^seccomp listener/]

/** `mounts[3]` of `mounts[3] (proc at /proc)` and of `mounts[3].options[1] (proc at /proc)`. */
const section = (from: string): string => from.replace(/(\.options\[\d+\])? \(.*/s, '')

/** Undeclared open slots at a step, as `step: slots`; empty if the plan obeys the rule. */
export function undeclared({ slots, runtimeSteps, containerSteps }: LaunchPlan): string[] {
  const clone = runtimeSteps.find((step): step is StepOf<'clone'> => step.op === 'clone')
  /** Slot → the section that filled it. */
  const open = new Map((clone?.inherit ?? []).map((slot) => [Number(slot), 'inherited']))
  // A tmpfs with targets of other mounts is made read-only at the end.
  const writable = containerSteps.flatMap((step) =>
    step.op === 'mount_setattr' && step.fd !== undefined && step.fd > TEMPORARIES ? [step.fd] : [],
  )
  // Mounts with paths that are masked or made read-only later.
  const covered = slotsOf(
    containerSteps.filter(({ op, from }) => op !== 'close' && /^linux\.(masked|readonly)Paths \(/.test(from)),
    'slot',
  ).filter((slot) => slot > TEMPORARIES)
  const found: string[] = []
  let isProcess = false
  containerSteps.forEach((step, index) => {
    isProcess ||= step.op === 'close_range' || step.op === 'reopen_null' || step.op === 'chdir'
    const reads = slotsOf([step], 'slot')
    const unwanted = [...open].filter(([slot, owner]) => {
      const name = slots[slot] as string
      if (slot === 0 || reads.includes(slot)) return false
      if (isProcess) return !kept.some((pattern) => pattern.test(name))
      if (owner === 'inherited') return !handedOver.some((pattern) => pattern.test(name)) && name !== 'root'
      const isLater = writable.includes(slot) || covered.includes(slot)
      return owner !== section(step.from) && !ownMounts.includes(name) && !isLater
    })
    if (resolving.has(step.op) && unwanted.length > 0)
      found.push(`${index} ${step.from} ${step.op}: ${unwanted.map(([slot]) => slots[slot]).join(', ')}`)
    follow(step, open)
  })
  return found
}

function follow(step: Step, open: Map<number, string>): void {
  for (const slot of closedBy(step)) open.delete(Number(slot))
  if (step.op === 'close_range')
    for (const slot of open.keys()) if (!step.keep.map(Number).includes(slot)) open.delete(slot)
  for (const slot of slotsOf([step], 'into')) open.set(slot, section(step.from))
}

const closedBy = (step: Step): readonly (number | bigint)[] => {
  if (step.op === 'close') return step.slots
  return step.op === 'close_temporaries' ? Array.from({ length: Number(step.count) }, (_, index) => index + 1) : []
}

/**
 * Slots that the runtime fills before the clone, that init does not get, and that are neither closed nor used
 * afterwards.
 */
export function forgotten({ slots, runtimeSteps }: LaunchPlan): string[] {
  const at = runtimeSteps.findIndex(({ op }) => op === 'clone')
  if (at < 0) return []
  const clone = runtimeSteps[at] as StepOf<'clone'>
  const before = runtimeSteps.slice(0, at)
  const gone = new Set([...clone.inherit, ...before.flatMap(closedBy)].map(Number))
  const later = slotsOf(runtimeSteps.slice(at), 'slot')
  return slotsOf(before, 'into')
    .filter((slot) => !gone.has(slot) && !later.includes(slot))
    .map((slot) => slots[slot] as string)
}
