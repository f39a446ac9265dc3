// The man page as text, generated from the table of commands (src/cli/command-table.ts). Pure: generate-cli-docs.ts writes it.

import { type Command, commandTable, type Flag, globalFlags } from '../src/cli/command-table.ts'

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
.B restore
and
.B exec
in the foreground exit with the status of the process, or 128 + the number of the signal that ended it. Any other command exits
with 0, but \\fBvalidate\\fR with 1 if it has found a problem. After a failure of its own, which is reported on standard error and in the log, \\fBexec\\fR exits with 255, and the others
with 1.
.SH EXAMPLES
.nf
# mkdir -p bundle/rootfs/bin && cp /bin/busybox bundle/rootfs/bin/sh
# cd bundle && runt spec
# runt run demo                  \\fIa shell; its exit status is that of runt\\fR
# runt exec \\-t demo sh           \\fIanother one, from another terminal\\fR
# runt kill demo KILL
# runt validate .                \\fIwhat is wrong with config.json, and where\\fR
# runt plan \\-\\-summary .          \\fIwhat "create" would do\\fR
$ source <(runt completion bash)
.fi
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
