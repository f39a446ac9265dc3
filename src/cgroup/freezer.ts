/**
 * Pausing: the v1 freezer and v2's cgroup.freeze (kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst and
 * cgroup-v2.rst). Decides what is written where and what the files' texts mean. Both take time: the caller polls.
 */

export type FreezerState = 'frozen' | 'freezing' | 'thawed'

export interface Freezer {
  /** Writing `freeze` or `thaw` here asks for it. */
  readonly file: string
  readonly freeze: string
  readonly thaw: string
  /** Reading this tells how far it is: `state` understands the text. */
  readonly stateFile: string
  readonly state: (text: string) => FreezerState
  /**
   * v1 only: '0' here means that a FROZEN cgroup is frozen by one above it, not itself. Also, the v1 freezer does not always
   * catch a process that is just being forked; thawing and freezing again does.
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

/** cgroup.events says `frozen 1` only when every process is. */
function unifiedState(text: string): FreezerState {
  return text.split('\n').includes('frozen 1') ? 'frozen' : 'thawed'
}
