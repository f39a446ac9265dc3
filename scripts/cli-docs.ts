// The man page and the shell completions as text, generated from the table of commands (src/cli/command-table.ts).
// Pure: generate-cli-docs.ts writes the files.

import { type Command, commandTable, type Flag, globalFlags } from '../src/cli/command-table.ts'

const help: Flag = { name: 'help', alias: 'h', type: 'boolean', description: 'show help' }
const commands: readonly (readonly [string, Command])[] = Object.entries(commandTable)

// ---- man page, man(7) ----

const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')

function flagEntry(flag: Flag): string {
  const value = flag.value === undefined ? '' : ` \\fI${flag.value}\\fR`
  const alias = flag.alias === undefined ? '' : `, \\fB\\-${flag.alias}\\fR${value}`
  const fallback = flag.default === undefined ? '' : ` (default: ${flag.default})`
  return `.TP\n\\fB\\-\\-${roff(flag.name)}\\fR${value}${alias}\n${roff(flag.description + fallback)}\n`
}

function commandEntry([name, command]: readonly [string, Command]): string {
  return [
    `.SS "${name}"`,
    `.B runt ${name}`,
    ...(command.flags.length === 0 ? [] : ['[\\fIoptions\\fR]']),
    ...(command.usage === '' ? [] : [roff(command.usage)]),
    '.PP',
    `${roff(command.description)}`,
    command.flags.map(flagEntry).join('').trimEnd(),
  ]
    .filter((line) => line !== '')
    .join('\n')
}

export function manPage(version: string): string {
  return `.\\" Made by scripts/generate-cli-docs.ts from src/cli/command-table.ts.
.TH RUNT 8 "" "runt ${roff(version)}" "System Manager's Manual"
.SH NAME
runt \\- Open Container Initiative runtime
.SH SYNOPSIS
.B runt
[\\fIglobal options\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]
.SH DESCRIPTION
Runs containers from bundles: directories with a
.I config.json
and a root file system, as the OCI runtime specification describes them. Container engines call it in the
place of
.BR runc (8),
with the same commands and options.
.SH GLOBAL OPTIONS
${globalFlags.map((flag: Flag) => flagEntry(flag)).join('')}.SH COMMANDS
${commands.map(commandEntry).join('\n')}
.SH EXIT STATUS
.BR run ,
in the foreground, exits as the container's process does, or with 128 + the number of the signal that ended it. Everything
else exits with 0, or with 1 after a failure, which is told on standard error and in the log.
.SH WARNINGS
Warnings are written to the log. Without \\fB\\-\\-log\\fR they are printed to standard error; by commands that share it with the
container (\\fBcreate\\fR, \\fBstart\\fR, \\fBrun\\fR, \\fBexec\\fR, \\fBrestore\\fR) only to a terminal or with \\fB\\-\\-debug\\fR.
.SH ENVIRONMENT
.TP
.B XDG_RUNTIME_DIR
For users other than root: the directory of the containers' state, and of the socket of the user's systemd.
.TP
.BR DBUS_SYSTEM_BUS_ADDRESS ", " DBUS_SESSION_BUS_ADDRESS
With \\fB\\-\\-systemd\\-cgroup\\fR: the bus of the system's or the user's systemd, in place of systemd's own socket.
.TP
.B SYSTEMD_BUS_TIMEOUT
Timeout for requests to systemd, in seconds or with a unit (\\fI500ms\\fR); default: 30 s.
.TP
.BR LISTEN_FDS ", " LISTEN_PID ", " LISTEN_FDNAMES
Descriptors that systemd opened for this process are passed on to the container (sd_listen_fds(3)).
.TP
.B NOTIFY_SOCKET
The container gets a socket of its own at /run/notify/notify.sock. READY=1 from the container is passed to the service manager with
the pid to watch (sd_notify(3)); then \\fBrun \\-\\-detach\\fR and \\fBstart\\fR return.
.TP
.B RUN_OCI_SECCOMP_RECEIVER
The socket of a seccomp agent, for profiles without \\fIlistenerPath\\fR.
.SH ANNOTATIONS
Annotations of config.json with an effect, as in runc and crun:
.TP
.BI org.systemd.property. NAME
With \\fB\\-\\-systemd\\-cgroup\\fR: a property of the container's scope, its value as GVariant text
(\\fIuint64 5\\fR, \\fI'text'\\fR, \\fItrue\\fR, \\fI['a', 'b']\\fR).
.TP
.B run.oci.systemd.subgroup
With \\fB\\-\\-systemd\\-cgroup\\fR: the name of a cgroup below that of the scope. It contains the container and has its limits.
.TP
.B run.oci.delegate\\-cgroup
On cgroup v2: the name of a cgroup below that of the container, in which its first process starts.
.TP
.BR run.oci.hooks.stdout ", " run.oci.hooks.stderr
Files to which the output of hooks is appended.
.TP
.B run.oci.keep_original_groups
\\fI1\\fR: the process keeps the supplementary groups of the caller.
.TP
.B run.oci.seccomp.receiver
The socket of a seccomp agent, for profiles without \\fIlistenerPath\\fR. It takes precedence over the environment.
.SH FILES
.TP
.I /run/runt
The state of containers, unless \\fB\\-\\-root\\fR is given.
.SH SEE ALSO
.BR runc (8),
.BR crun (1),
.BR namespaces (7),
.BR cgroups (7)
`
}

// ---- completions ----

const flagWords = (flags: readonly Flag[]): string =>
  [...flags, help]
    .flatMap(({ name, alias }) => (alias === undefined ? [`--${name}`] : [`--${name}`, `-${alias}`]))
    .join(' ')

const takesId = ({ usage }: Command): boolean => usage.startsWith('<container-id>')
const takesBundle = ({ usage }: Command): boolean => usage.startsWith('[bundle')

export function bashCompletion(): string {
  const cases = commands.map(([name, command]) => {
    const rest = takesId(command) ? '$(_runt_ids)' : ''
    return `    ${name}) words="${flagWords(command.flags)} ${rest}" ;;`
  })
  const valued = [...globalFlags, ...commands.flatMap(([, command]) => [...command.flags])]
  const names = (kind: Flag['value']): string =>
    [
      ...new Set((valued as readonly Flag[]).filter((flag) => flag.value === kind).map((flag) => `--${flag.name}`)),
    ].join('|')
  const choices = [['', { flags: globalFlags }] as const, ...commands].flatMap(([name, { flags }]) =>
    (flags as readonly Flag[]).flatMap(({ name: flag, alias, choices: words }) => {
      if (words === undefined) return []
      const names = [`--${flag}`, ...(alias === undefined ? [] : [`-${alias}`])].map((word) => `'${name} ${word}'`)
      return [`    ${names.join('|')}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current")); return ;;`]
    }),
  )
  return `# bash completion for runt. Made by scripts/generate-cli-docs.ts from src/cli/command-table.ts.

_runt_ids() {
  runt "\${_runt_root[@]}" list --quiet 2>/dev/null
}

_runt() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= words= i
  local -a _runt_root=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    --root) _runt_root=(--root "\${COMP_WORDS[++i]}") ;;
    --log | --log-format | --rootless) ((i++)) ;;
    -*) ;;
    *)
      command=\${COMP_WORDS[i]}
      break
      ;;
    esac
  done
  case "$command $previous" in
${choices.join('\n')}
  esac
  case $previous in
    ${names('DIR')}|-b) COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${names('FILE')}|${names('SOCKET')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case $command in
    '') words="${flagWords(globalFlags.filter(({ name }) => name !== 'help'))} ${commands.map(([name]) => name).join(' ')} help" ;;
    help) words="${commands.map(([name]) => name).join(' ')}" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -o bashdefault -o default -F _runt runt
`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function zshFlag(flag: Flag): string {
  const text = flag.description.replace(/([[\]:\\])/g, '\\$1')
  const action =
    flag.choices !== undefined
      ? `:word:(${flag.choices.join(' ')})`
      : flag.value === undefined
        ? ''
        : flag.value === 'DIR'
          ? ':directory:_directories'
          : flag.value === 'N'
            ? ':number:'
            : ':file:_files'
  const names = flag.alias === undefined ? `--${flag.name}` : `{-${flag.alias},--${flag.name}}`
  const repeat = flag.type === 'strings' ? '*' : flag.alias === undefined ? '' : `(-${flag.alias} --${flag.name})`
  return flag.alias === undefined
    ? quoted(`${repeat}${names}[${text}]${action}`)
    : `'${repeat}'${names}${quoted(`[${text}]${action}`)}`
}

export function zshCompletion(): string {
  const cases = commands.map(([name, command]) => {
    const rest = takesId(command) ? ["':container:_runt_ids'"] : takesBundle(command) ? ["':bundle:_files'"] : []
    return `    ${name}) _arguments ${[...[...command.flags, help].map(zshFlag), ...rest].join(' ')} ;;`
  })
  return `#compdef runt
# zsh completion for runt. Made by scripts/generate-cli-docs.ts from src/cli/command-table.ts.

_runt_ids() {
  local -a ids
  ids=(\${(f)"$(runt \${opt_args[--root]:+--root \${opt_args[--root]}} list --quiet 2>/dev/null)"})
  compadd -a ids
}

_runt() {
  local state line
  typeset -A opt_args
  _arguments -C ${(globalFlags as readonly Flag[]).map(zshFlag).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
  command)
    local -a commands
    commands=(${commands.map(([name, { summary }]) => quoted(`${name}:${summary}`)).join(' ')})
    _describe command commands
    ;;
  argument)
    case $line[1] in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
    ;;
  esac
}

_runt "$@"
`
}

export function fishCompletion(): string {
  const none = '__fish_use_subcommand'
  const flag = (condition: string, { name, alias, description, value, choices }: Flag): string => {
    const short = alias === undefined ? '' : ` -s ${alias}`
    const argument = choices !== undefined ? ` -x -a ${quoted(choices.join(' '))}` : value === undefined ? '' : ' -r'
    return `complete -c runt -n ${quoted(condition)} -l ${name}${short}${argument} -d ${quoted(description)}`
  }
  const lines = commands.flatMap(([name, command]) => {
    const condition = `__fish_seen_subcommand_from ${name}`
    return [
      `complete -c runt -n ${quoted(none)} -f -a ${name} -d ${quoted(command.summary)}`,
      ...[...command.flags, help].map((entry) => flag(condition, entry)),
      ...(takesId(command) ? [`complete -c runt -n ${quoted(condition)} -f -a '(runt list --quiet 2>/dev/null)'`] : []),
    ]
  })
  return `# fish completion for runt. Made by scripts/generate-cli-docs.ts from src/cli/command-table.ts.
${(globalFlags as readonly Flag[]).map((entry) => flag(none, entry)).join('\n')}
${lines.join('\n')}
`
}
