// CRIU's service protocol (criu.org, "RPC"; images/rpc.proto of CRIU): the requests that runt sends and the responses
// that it reads, with CRIU's names and field numbers. dump-options.ts and restore-options.ts set the options.

import { decodeMessage, encodeMessage, type ValuesOf } from './protobuf.ts'

const pair = { key: [1, 'string'], val: [2, 'string'] } as const

const options = {
  images_dir_fd: [1, 'int'],
  pid: [2, 'int'],
  leave_running: [3, 'bool'],
  ext_unix_sk: [4, 'bool'],
  tcp_established: [5, 'bool'],
  evasive_devices: [6, 'bool'],
  shell_job: [7, 'bool'],
  file_locks: [8, 'bool'],
  log_level: [9, 'int'],
  log_file: [10, 'string'],
  ps: [11, 'message', { address: [1, 'string'], port: [2, 'int'] }],
  notify_scripts: [12, 'bool'],
  root: [13, 'string'],
  parent_img: [14, 'string'],
  track_mem: [15, 'bool'],
  auto_dedup: [16, 'bool'],
  work_dir_fd: [17, 'int'],
  link_remap: [18, 'bool'],
  ext_mnt: [23, 'messages', pair],
  manage_cgroups: [24, 'bool'],
  cg_root: [25, 'messages', { ctrl: [1, 'string'], path: [2, 'string'] }],
  rst_sibling: [26, 'bool'],
  inherit_fd: [27, 'messages', { key: [1, 'string'], fd: [2, 'int'] }],
  manage_cgroups_mode: [34, 'int'],
  external: [37, 'strings'],
  empty_ns: [38, 'int'],
  join_ns: [39, 'messages', { ns: [1, 'string'], ns_file: [2, 'string'] }],
  freeze_cgroup: [44, 'string'],
  tcp_skip_in_flight: [46, 'bool'],
  lazy_pages: [48, 'bool'],
  orphan_pts_master: [50, 'bool'],
  config_file: [51, 'string'],
  lsm_profile: [53, 'string'],
  lsm_mount_context: [63, 'string'],
} as const

const request = { type: [1, 'int'], opts: [2, 'message', options], notify_success: [3, 'bool'] } as const

const response = {
  type: [1, 'int'],
  success: [2, 'bool'],
  restore: [4, 'message', { pid: [1, 'int'] }],
  notify: [5, 'message', { script: [1, 'string'], pid: [2, 'int'] }],
  cr_errno: [7, 'int'],
  cr_errmsg: [9, 'string'],
} as const

/** criu_opts. */
export type CriuOptions = ValuesOf<typeof options>
/** criu_resp. */
export type CriuResponse = ValuesOf<typeof response>

/** criu_req_type. */
export const requestTypes = { dump: 1, restore: 2, 'pre-dump': 4, notify: 6 } as const
export type CriuAction = Exclude<keyof typeof requestTypes, 'notify'>

/** criu_cg_mode, by the values of --manage-cgroups-mode; '' is the default. */
export const cgroupModes: { readonly [mode: string]: number } = { ignore: 0, soft: 3, full: 4, strict: 5, '': 6 }

export const encodeRequest = (action: CriuAction, opts: CriuOptions): Uint8Array =>
  encodeMessage(request, { type: requestTypes[action], opts })

/** The response to a notification: CRIU waits for it. */
export const encodeAcknowledgement = (success: 'done' | 'failed'): Uint8Array =>
  encodeMessage(request, { type: requestTypes.notify, notify_success: success === 'done' })

export const decodeResponse = (bytes: Uint8Array): CriuResponse | undefined => decodeMessage(response, bytes)
