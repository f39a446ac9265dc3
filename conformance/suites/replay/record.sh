#!/bin/sh
# Records the calls of an engine to its runtime: copy this file to where the engine looks for one (`podman --runtime`, dockerd's
# `runtimes`, `ctr run --runc-binary`, `buildah run --runtime`), beside a link `real` to the actual runtime.
# Each call is appended to calls.log there: working directory, arguments, environment, descriptors, process file and
# standard input. The sequences in calls.ts were written from such logs, in our own words.
here=$(dirname "$(readlink -f "$0")")
log=$here/calls.log
{
  printf 'call %s\n' "$PWD"
  printf '  arg %s\n' "$@"
  env | sort | sed 's/^/  env /'
  for fd in /proc/$$/fd/*; do printf '  fd %s %s\n' "${fd##*/}" "$(readlink "$fd")"; done
} >>"$log"
previous=
for word; do
  case "$previous $word" in
  "--process "*) printf '  process %s\n' "$(cat "$word")" >>"$log" ;;
  *" --resources=-" | "--resources -")
    input=$(cat)
    printf '  stdin %s\n' "$input" >>"$log"
    printf '%s' "$input" | "$here/real" "$@"
    exit
    ;;
  esac
  previous=$word
done
exec "$here/real" "$@"
