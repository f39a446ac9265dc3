// The commands by name. The snapshot has evaluated every module, so an import costs nothing at run time.

import type { CommandName } from '../cli/command-table.ts'
import type { Context } from '../cli/context.ts'
import { checkpoint } from './checkpoint.ts'
import { completion } from './completion.ts'
import { create } from './create.ts'
import { deleteContainer } from './delete.ts'
import { events } from './events.ts'
import { exec } from './exec.ts'
import { features } from './features.ts'
import { kill } from './kill.ts'
import { list } from './list.ts'
import { pause } from './pause.ts'
import { plan } from './plan.ts'
import { ps } from './ps.ts'
import { restore } from './restore.ts'
import { resume } from './resume.ts'
import { run } from './run.ts'
import { seccomp } from './seccomp.ts'
import { spec } from './spec.ts'
import { start } from './start.ts'
import { state } from './state.ts'
import { update } from './update.ts'
import { validate } from './validate.ts'

/** A command; its entry of the command table has parsed the flags. */
export type Command = (context: Context, flags: never, positionals: readonly string[]) => number

export const commands: { readonly [name in CommandName]: Command } = {
  checkpoint,
  completion,
  create,
  delete: deleteContainer,
  events,
  exec,
  features,
  kill,
  list,
  pause,
  plan,
  ps,
  restore,
  resume,
  run,
  seccomp,
  spec,
  start,
  state,
  update,
  validate,
}
