/**
 * Pausing: the v1 freezer and v2's cgroup.freeze (kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst and
 * cgroup-v2.rst). Says which file to write, and interprets the state files. Both take time: the caller polls.
 */

export type FreezerState = 'frozen' | 'freezing' | 'thawed'

export interface Freezer {
  /** The file to which `freeze` or `thaw` is written. */
  readonly file: string
  readonly freeze: string
  readonly thaw: string
  /** The file with the progress; `state` interprets its text. */
  readonly stateFile: string
  readonly state: (text: string) => FreezerState
  /**
   * v1 only: '0' here means that a FROZEN cgroup was frozen through an ancestor. Also, the v1 freezer may miss a
   * process that is being forked; thawing and freezing again fixes that.
   */
  readonly selfFile?: string
}

/** The freezer of a container with these directories; undefined if it has none. */
export function freezerOf(paths: { readonly [controller: string]: string }): Freezer | undefined {
  const legacy = paths.freezer
  if (legacy !== undefined) {
    const file = `${legacy}/freezer.state`
    return {
      file,
      freeze: 'FROZEN',
      thaw: 'THAWED',
      stateFile: file,
      state: legacyState,
      selfFile: `${legacy}/freezer.self_freezing`,
    }
  }
  const unified = paths['']
  if (unified === undefined) return undefined
  return {
    file: `${unified}/cgroup.freeze`,
    freeze: '1',
    thaw: '0',
    stateFile: `${unified}/cgroup.events`,
    state: unifiedState,
  }
}

function legacyState(text: string): FreezerState {
  const word = text.trim()
  if (word === 'FROZEN') return 'frozen'
  return word === 'FREEZING' ? 'freezing' : 'thawed'
}

/** cgroup.events contains `frozen 1` only when every process is frozen. */
function unifiedState(text: string): FreezerState {
  return text.split('\n').includes('frozen 1') ? 'frozen' : 'thawed'
}
