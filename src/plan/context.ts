// What every section planner gets, and what it gives back. No decisions.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { SystemdFacts } from '../cgroup/systemd/plan-unit.ts'
import type { Config, Linux, NamespaceType, Process } from '../config/config.ts'
import type { HostFacts } from './host-facts.ts'
import type { RdtPlan, ResctrlFacts } from './intel-rdt.ts'
import type { Step } from './launch-plan.ts'
import type { Slots } from './slots.ts'

/** What the command line says of a launch. */
export interface PlanOptions {
  readonly id: string
  /** Absolute. */
  readonly bundle: string
  /** Absolute: where state.json and the FIFOs are. */
  readonly stateDirectory: string
  /** Absolute: the file in which cgroups are claimed (cgroup/claim.ts). */
  readonly claims: string
  /** `create` leaves init waiting for `runt start`; `run` goes through. */
  readonly mode: 'create' | 'run'
  /** `chroot`: --no-pivot, for a root file system on a ramdisk. */
  readonly rootSwitch: 'pivot_root' | 'chroot'
  /** For `chroot`: where the host has proc and sysfs file systems mounted as a whole. */
  readonly fullMounts?: readonly string[] | undefined
  /** `keep`: --no-new-keyring. */
  readonly keyring: 'new' | 'keep'
  readonly preserveFds: number
  /** --console-socket; with a terminal and without it the runtime itself receives the master (the event's `terminal`). */
  readonly consoleSocket?: string | undefined
  /** What the terminal shows goes to a file or a pipe, where nobody wants carriage returns. */
  readonly plainNewlines?: boolean | undefined
  /** --seccomp-log: denied calls ask the runtime (the event's `listener`). */
  readonly seccompLog?: boolean | undefined
  /** --systemd-cgroup: the systemd that will be asked. */
  readonly systemd?: SystemdFacts | undefined
  /** For linux.intelRdt only. */
  readonly resctrl?: ResctrlFacts | undefined
  /** The threaded v2 cgroup in which the container's will be, if it is one. */
  readonly threaded?: string | undefined
}

/** What the planners of the process itself get, whether it is a container's first one or one of `exec`. */
export interface ProcessContext {
  readonly config: Config
  readonly process: Process
  readonly linux: Linux
  readonly facts: HostFacts
  readonly options: Pick<
    PlanOptions,
    'id' | 'keyring' | 'preserveFds' | 'consoleSocket' | 'plainNewlines' | 'seccompLog'
  > & {
    readonly mode: PlanOptions['mode'] | 'exec'
  }
  readonly slots: Slots
  readonly namespaces: Pick<NamespacePlan, 'of'>
}

export interface PlanContext extends ProcessContext {
  readonly options: PlanOptions
  readonly cgroup: CgroupPlan
  /** For the runtime, once init has its cgroup namespace. */
  readonly delegated: readonly Step[]
  readonly rdt: RdtPlan
  readonly namespaces: NamespacePlan
  /** Slots that several sections use. */
  readonly shared: SharedSlots
  /** What the config asks for and does not get. */
  readonly warnings: string[]
}

export type NamespaceMode = 'host' | 'new' | 'join'

/** Which namespaces the container gets, decided once. */
export interface NamespacePlan {
  readonly of: (type: NamespaceType) => NamespaceMode
  /** New by clone3(2) itself. */
  readonly cloneFlags: number
  /** Init has to fork to get into its pid (or time) namespace. */
  readonly forks: boolean
  /** Device nodes cannot be made: a user namespace of the container's, or of the runtime's. */
  readonly unprivileged: boolean
  /** Who clones the host's mounts for binds. Root's runtime, where init may not reach them; without privileges, or where nothing
   * keeps init from them, init itself. */
  readonly cloner: 'runtime' | 'init'
}

/** Slots with a meaning for more than one section. `proc`, `dev` and `devpts` are filled when the config mounts them. */
export interface SharedSlots {
  readonly root: number
  /** The FIFOs of `runt start`; only filled by `create`. */
  readonly start: { readonly request: number; readonly report: number }
  proc: number | undefined
  dev: number | undefined
  devpts: number | undefined
  /** The user namespace that is joined by path. */
  userNamespace: number | undefined
  /** Mounts of file systems that the runtime makes at /proc, /sys and /dev, and that no later mount covers: `prefix` is `/proc/`. */
  readonly own: { readonly prefix: string; readonly mount: number }[]
  /** User namespaces made for id-mapped mounts, by their mappings. */
  readonly idMappings: Map<string, number>
  /** Mounts that must stay writable until everything is in them. */
  readonly readonlyLater: { readonly from: string; readonly mount: number }[]
}

/** The steps of a section for both sides. */
export interface SectionSteps {
  readonly runtime: readonly Step[]
  readonly container: readonly Step[]
}
