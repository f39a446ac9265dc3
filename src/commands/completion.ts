// completion: prints a script for a shell, and answers it. A wrong command line, or a state root that cannot be read, offers nothing:
// an error would appear amid what the user types.

import { ARCHITECTURES, syscallNames } from 'seccomp-bpf-js'
import type { Offer } from '../cli/command-table.ts'
import { type Candidate, type Completion, complete } from '../cli/complete.ts'
import { completionScripts } from '../cli/completion-scripts.ts'
import { type Run, STDOUT } from '../cli/context.ts'
import { capabilityNames } from '../config/kernel-names.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { listContainers } from '../state/list-containers.ts'
import { signalNames } from '../state/signals.ts'

export const completion: Run<'completion'> = ({ native }, _flags, [shell = '', ...words]) => {
  if (shell === 'words') {
    const lines = offered(native, complete(words))
    native.write(STDOUT, lines.map((line) => `${line}\n`).join(''))
    return 0
  }
  if (!isShell(shell)) throw new RuntError('usage', `unknown shell ${JSON.stringify(shell)}: bash, zsh or fish`)
  if (words.length > 0) throw new RuntError('usage', `unexpected argument ${JSON.stringify(words[0])}`)
  native.write(STDOUT, completionScripts[shell])
  return 0
}

const isShell = (name: string): name is keyof typeof completionScripts => Object.hasOwn(completionScripts, name)

/** The lines for the script. */
function offered(native: Native, { offer, globals, prefix, typed }: Completion): readonly string[] {
  if ('files' in offer) return [offer.files === 'any' ? ':files' : ':directories']
  const candidates = 'candidates' in offer ? offer.candidates : candidatesOf(native, offer, globals.root, typed)
  return candidates
    .filter(([word]) => word.startsWith(typed))
    .map(([word, description]) => `${prefix}${word}${description === '' ? '' : `\t${description}`}`)
}

function candidatesOf(native: Native, offer: Offer, root: string | undefined, typed: string): readonly Candidate[] {
  if ('ids' in offer) return containers(native, offer.ids, root)
  if ('names' in offer) return names[offer.names](typed).map((name) => [name, ''])
  return 'words' in offer ? offer.words.map((word) => [word, '']) : []
}

/** Their state is read now, so that only those are offered that the command accepts. */
function containers(native: Native, statuses: readonly string[], root: string | undefined): readonly Candidate[] {
  try {
    return listContainers(native, root, () => {})
      .filter(({ status }) => statuses.includes(status))
      .map(({ id, status }) => [id, status])
  } catch {
    return []
  }
}

const names = {
  signals: (typed: string) => signalNames.map((name) => (typed.startsWith('SIG') ? `SIG${name}` : name)),
  syscalls: () => syscallNames(),
  architectures: () => Object.keys(ARCHITECTURES).map((name) => name.slice('SCMP_ARCH_'.length).toLowerCase()),
  capabilities: () => capabilityNames,
} as const satisfies Record<string, (typed: string) => readonly string[]>
