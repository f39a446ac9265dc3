# bash completion for runt. Made by scripts/generate-cli-docs.ts from src/cli/command-table.ts.

_runt_ids() {
  runt "${_runt_root[@]}" list --quiet 2>/dev/null
}

_runt() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= words= i
  local -a _runt_root=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    --root) _runt_root=(--root "${COMP_WORDS[++i]}") ;;
    --log | --log-format | --rootless) ((i++)) ;;
    -*) ;;
    *)
      command=${COMP_WORDS[i]}
      break
      ;;
    esac
  done
  case "$command $previous" in
    ' --log-format') COMPREPLY=($(compgen -W "text json" -- "$current")); return ;;
    ' --log-level') COMPREPLY=($(compgen -W "debug warning error" -- "$current")); return ;;
    ' --cgroup-manager') COMPREPLY=($(compgen -W "cgroupfs systemd disabled" -- "$current")); return ;;
    ' --rootless') COMPREPLY=($(compgen -W "true false auto" -- "$current")); return ;;
    'list --format'|'list -f') COMPREPLY=($(compgen -W "table json" -- "$current")); return ;;
    'plan --format'|'plan -f') COMPREPLY=($(compgen -W "text json" -- "$current")); return ;;
    'ps --format'|'ps -f') COMPREPLY=($(compgen -W "table json" -- "$current")); return ;;
    'validate --format'|'validate -f') COMPREPLY=($(compgen -W "text json" -- "$current")); return ;;
  esac
  case $previous in
    --root|--image-path|--work-path|--parent-path|--bundle|--cwd|-b) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --log|--pid-file|--process|--resources|--console-socket|--pidfd-socket) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case $command in
    '') words="--debug --log --log-format --root --log-level --cgroup-manager --systemd-cgroup --rootless --version -v --help -h checkpoint create delete events exec features kill list pause plan ps restore resume run seccomp spec start state update validate help" ;;
    help) words="checkpoint create delete events exec features kill list pause plan ps restore resume run seccomp spec start state update validate" ;;
    checkpoint) words="--image-path --work-path --tcp-established --ext-unix-sk --shell-job --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --lazy-pages --parent-path --leave-running --pre-dump --link-remap --tcp-skip-in-flight --page-server --status-fd --help -h $(_runt_ids)" ;;
    create) words="--bundle -b --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --help -h $(_runt_ids)" ;;
    delete) words="--force -f --plan --help -h $(_runt_ids)" ;;
    events) words="--interval --stats --help -h $(_runt_ids)" ;;
    exec) words="--console-socket --cwd --env -e --tty -t --user -u --additional-gids -g --process -p --detach -d --pid-file --process-label --apparmor --no-new-privs --cap -c --preserve-fds --cgroup --ignore-paused --pidfd-socket --plan --help -h $(_runt_ids)" ;;
    features) words="--help -h " ;;
    kill) words="--all -a --help -h $(_runt_ids)" ;;
    list) words="--format -f --quiet -q --help -h " ;;
    pause) words="--help -h $(_runt_ids)" ;;
    plan) words="--bundle -b --format -f --summary --id --show-env --help -h " ;;
    ps) words="--format -f --help -h $(_runt_ids)" ;;
    restore) words="--image-path --work-path --tcp-established --ext-unix-sk --shell-job --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --lazy-pages --bundle -b --console-socket --pidfd-socket --pid-file --detach -d --no-subreaper --no-pivot --lsm-profile --lsm-mount-context --help -h $(_runt_ids)" ;;
    resume) words="--help -h $(_runt_ids)" ;;
    run) words="--bundle -b --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --detach -d --keep --no-subreaper --seccomp-log --help -h $(_runt_ids)" ;;
    seccomp) words="--bundle -b --syscall --arg --arch --help -h " ;;
    spec) words="--bundle -b --rootless --help -h " ;;
    start) words="--help -h $(_runt_ids)" ;;
    state) words="--help -h $(_runt_ids)" ;;
    update) words="--resources -r --blkio-weight --cpu-period --cpu-quota --cpu-burst --cpu-share --cpu-rt-period --cpu-rt-runtime --cpuset-cpus --cpuset-mems --kernel-memory --kernel-memory-tcp --memory --memory-reservation --memory-swap --pids-limit --cpu-idle --l3-cache-schema --mem-bw-schema --plan --help -h $(_runt_ids)" ;;
    validate) words="--bundle -b --format -f --host --no-host --help -h " ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -o bashdefault -o default -F _runt runt
