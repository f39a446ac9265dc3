// Which descriptors init has open at each step that resolves a name of the image, the config or the container (CVE-2024-21626): the steps
// are followed slot by slot, and what is open has to be declared here, by the slot's name and the property of the step.

import { type LaunchPlan, type Step, type StepOf, slotsOf } from '../launch-plan.ts'
import { TEMPORARIES } from '../slots.ts'
import type { Op } from '../step-table.ts'

/** What resolves a name, by itself or by what the kernel makes of a value (a layer of an overlay). */
const resolving: ReadonlySet<Op> = new Set<Op>([
  'openat2',
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

/** Kept from the step that fills them until the process's own names are resolved: the runtime's own mounts, and the terminal. */
const ownMounts = ['root', '/proc', '/dev', '/dev/pts', '/sys', 'procfs', 'cgroup tmpfs', 'pty', 'pty master']
/** What the runtime hands over for a later section. */
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
/** What may be open once the process's own names are resolved: the FIFOs of `start`, the terminal of `exec`, the output of hooks. */
const kept = [/^(start|report)\.fifo$/, /^pty$/, /^run\.oci\.hooks\./, /^seccomp listener/]

/** `mounts[3]` of `mounts[3] (proc at /proc)`. */
const section = (from: string): string => from.replace(/ \(.*/s, '')

/** What is open at a step and was not declared, as `step: slots`; empty where the plan keeps the rule. */
export function undeclared({ slots, runtimeSteps, containerSteps }: LaunchPlan): string[] {
  const clone = runtimeSteps.find((step): step is StepOf<'clone'> => step.op === 'clone')
  /** Slot → the section that filled it. */
  const open = new Map((clone?.inherit ?? []).map((slot) => [Number(slot), 'inherited']))
  // Read-only only at the end: a tmpfs in which other mounts have their targets.
  const writable = containerSteps.flatMap((step) =>
    step.op === 'mount_setattr' && step.fd !== undefined && step.fd > TEMPORARIES ? [step.fd] : [],
  )
  const found: string[] = []
  let isProcess = false
  containerSteps.forEach((step, index) => {
    isProcess ||= step.op === 'close_range' || step.op === 'reopen_null' || step.op === 'chdir'
    const reads = slotsOf([step], 'slot')
    const strangers = [...open].filter(([slot, owner]) => {
      const name = slots[slot] as string
      if (slot === 0 || reads.includes(slot)) return false
      if (isProcess) return !kept.some((pattern) => pattern.test(name))
      if (owner === 'inherited') return !handedOver.some((pattern) => pattern.test(name)) && name !== 'root'
      return owner !== section(step.from) && !ownMounts.includes(name) && !writable.includes(slot)
    })
    if (resolving.has(step.op) && strangers.length > 0)
      found.push(`${index} ${step.from} ${step.op}: ${strangers.map(([slot]) => slots[slot]).join(', ')}`)
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

/** Slots that the runtime fills before the clone, and that neither init gets nor anything closes or uses afterwards. */
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
