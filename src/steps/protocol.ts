// Numbers and names that runtime, init, TypeScript and C share. scripts/generate-steps.ts turns them into macros
// (build/gen/steps.h).

export const SLOT_SYNC = 0

/** What openat2 does when the path does not exist. */
export const ON_MISSING_FAIL = 0
export const ON_MISSING_SKIP = 1
export const ON_MISSING_MKDIR = 2
export const ON_MISSING_CREATE = 3
export const ON_MISSING_LIKE = 4

/** The points of sync_send and sync_wait, in the order in which a launch reaches them. */
export const SYNC_CGROUPS = 1 // systemd has moved init into its cgroups
export const SYNC_USERNS = 2 // init is in its new user namespace: the runtime may write the mappings
export const SYNC_MAPPED = 3 // the mappings are written
export const SYNC_NAMESPACES = 4 // all namespaces exist: devices can be moved, and prestart and createRuntime hooks run
export const SYNC_HOOKED = 5 // those hooks have run
export const SYNC_LISTENER = 6 // the filter is loaded; the message carries its listener
export const SYNC_READY = 7 // everything except the start is done
export const SYNC_RECORDED = 8 // state.json is written: the container no longer needs the runtime

/**
 * FIFOs of the state directory by which `start` tells a created container to continue and receives the outcome
 * (start_wait).
 */
export const START_FIFO = 'start.fifo'
export const REPORT_FIFO = 'report.fifo'
