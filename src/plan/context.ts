// The input and output types of the section planners.

import type { CgroupAccess } from '../cgroup/cgroup-access.ts'
import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { SystemdFacts } from '../cgroup/unit/plan-unit.ts'
import type { Config, Linux, NamespaceType, Process } from '../config/config.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { Slots } from '../steps/slots.ts'
import type { HostFacts, RootlessFlag } from './host-facts.ts'
import type { RdtPlan, ResctrlFacts } from './intel-rdt.ts'

/** What the command line says about a launch. */
export interface PlanOptions {
  readonly id: string
  /** Absolute. */
  readonly bundle: string
  /** Absolute: the directory of state.json and the FIFOs. */
  readonly stateDirectory: string
  /** Absolute: the file in which cgroups are claimed (cgroup/claim.ts). */
  readonly claims: string
  /** `create`: init waits for `runt start`; `run`: it does not. */
  readonly mode: 'create' | 'run'
  /** `chroot`: --no-pivot, for a root file system on a ramdisk. */
  readonly rootSwitch: 'pivot_root' | 'chroot'
  /** For `chroot`: mount points of the host with a full proc or sysfs file system. */
  readonly fullMounts?: readonly string[] | undefined
  /** `keep`: --no-new-keyring. */
  readonly keyring: 'new' | 'keep'
  /** The caller's descriptors that the process inherits, sorted, none below 3. */
  readonly preserveFds: readonly number[]
  /** --console-socket; without it, the runtime itself receives the master of a terminal (the event's `terminal`). */
  readonly consoleSocket?: string | undefined
  /** Terminal output goes to a file or a pipe and needs no carriage returns. */
  readonly plainNewlines?: boolean | undefined
  /** --seccomp-log: denied calls notify the runtime (the event's `listener`). */
  readonly seccompLog?: boolean | undefined
  /** --systemd-cgroup: facts about the systemd to ask. */
  readonly systemd?: SystemdFacts | undefined
  /** For linux.intelRdt only. */
  readonly resctrl?: ResctrlFacts | undefined
  /** Sources of mounts with copy-symlink that are links: path to target. */
  readonly sourceLinks?: ReadonlyMap<string, string> | undefined
  /** --rootless. */
  readonly rootless?: RootlessFlag | undefined
  /** --cgroup-manager=disabled: no cgroup is created, joined or removed. */
  readonly withoutCgroups?: boolean | undefined
  /** The parent v2 cgroup, if it is threaded. */
  readonly threaded?: string | undefined
  /** The access of an unprivileged user to the cgroup hierarchies. */
  readonly access?: CgroupAccess | undefined
}

/** The input of the planners of a process, the container's first one or one of `exec`. */
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
  /** For the runtime, once init is in its cgroup namespace. */
  readonly delegated: readonly Step[]
  readonly rdt: RdtPlan
  readonly namespaces: NamespacePlan
  /** Slots that several sections use. */
  readonly shared: SharedSlots
  /** Properties of the config that have no effect. */
  readonly warnings: string[]
}

export type NamespaceMode = 'host' | 'new' | 'join'

/** How the container gets each of its namespaces. */
export interface NamespacePlan {
  readonly of: (type: NamespaceType) => NamespaceMode
  /** Created by clone3(2) itself. */
  readonly cloneFlags: number
  /** Init must fork to be in its pid (or time) namespace. */
  readonly forks: boolean
  /** Device nodes cannot be created: the container or the runtime is in a user namespace. */
  readonly unprivileged: boolean
  /**
   * Which side clones the host's mounts for bind mounts: a runtime of root if init may not reach them, else (without
   * privileges, or if nothing keeps init from them) init.
   */
  readonly cloner: 'runtime' | 'init'
}

/** Slots with a meaning for more than one section. `proc`, `dev` and `devpts` are filled when the config mounts them. */
export interface SharedSlots {
  readonly root: number
  /** The FIFOs of `runt start`; filled by `create` only. */
  readonly start: { readonly request: number; readonly report: number }
  proc: number | undefined
  dev: number | undefined
  devpts: number | undefined
  /** The user namespace that is joined by path. */
  userNamespace: number | undefined
  /** Mounts that are kept open for paths on them and that no later mount covers (own-mounts.ts). */
  readonly own: { readonly destination: string; readonly mount: number }[]
  /** Masked and read-only paths that are not below /proc and /sys. */
  readonly pathsElsewhere: readonly string[]
  /** User namespaces made for id-mapped mounts, by their mappings. */
  readonly idMappings: Map<string, number>
  /** Mounts that stay writable until their contents are complete. */
  readonly readonlyLater: { readonly from: string; readonly mount: number }[]
}

/** The steps of a section for both sides. */
export interface SectionSteps {
  readonly runtime: readonly Step[]
  readonly container: readonly Step[]
}
