// The command's code by its name. Each import() is a chunk of its own in the static program: `state` and `kill` load neither
// planner nor validator.

import type { CommandName } from '../cli/command-table.ts'
import type { Context } from './context.ts'

/** A command whose flags have been parsed by its own entry of the table. */
type AnyRun = (context: Context, flags: never, positionals: readonly string[]) => number | Promise<number>

export async function loadCommand(name: CommandName): Promise<AnyRun> {
  switch (name) {
    case 'checkpoint':
      return (await import('./checkpoint.ts')).checkpoint
    case 'create':
      return (await import('./create.ts')).create
    case 'delete':
      return (await import('./delete.ts')).deleteContainer
    case 'events':
      return (await import('./events.ts')).events
    case 'exec':
      return (await import('./exec.ts')).exec
    case 'features':
      return (await import('./features.ts')).features
    case 'kill':
      return (await import('./kill.ts')).kill
    case 'list':
      return (await import('./list.ts')).list
    case 'pause':
      return (await import('./pause.ts')).pause
    case 'plan':
      return (await import('./plan.ts')).plan
    case 'ps':
      return (await import('./ps.ts')).ps
    case 'restore':
      return (await import('./restore.ts')).restore
    case 'resume':
      return (await import('./resume.ts')).resume
    case 'run':
      return (await import('./run.ts')).run
    case 'seccomp':
      return (await import('./seccomp.ts')).seccomp
    case 'spec':
      return (await import('./spec.ts')).spec
    case 'start':
      return (await import('./start.ts')).start
    case 'state':
      return (await import('./state.ts')).state
    case 'update':
      return (await import('./update.ts')).update
    case 'validate':
      return (await import('./validate.ts')).validate
  }
}
