/** What an unprivileged user may do in the hierarchies, for planning. Probed by host/probe-cgroups.ts. */

export interface CgroupAccess {
  /** Directories that the user may not create, or that none of the user's processes may join. */
  readonly refused: readonly string[]
  /** v1: how a new cpuset gets its CPUs and memory nodes. */
  readonly cpuset: NewCpuset
}

/**
 * cpuset(7): `tell` the parent to hand down its values, by cgroup.clone_children; `inherit`, because it already does;
 * or write these values into each directory below `existing`.
 */
export type NewCpuset = 'tell' | 'inherit' | { readonly existing: string; readonly cpus: string; readonly mems: string }
