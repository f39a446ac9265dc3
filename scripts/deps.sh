#!/bin/sh
# Installs what the build needs, and prints nothing if nothing is missing: Debian packages and npm's. "deps.sh peers" installs programs
# that some tests need or compare runt with; without them those tests skip, which scripts/allowed-skips.txt does not allow.
#
# libquickjs is in Debian since 13. On an older Debian this adds that suite, from the mirror in the machine's own apt
# configuration, pinned so that only libquickjs can be installed from it.
set -eu
cd "$(dirname "$0")/.."

suite=trixie
packages='gcc g++ make python3 musl-tools clang-format busybox-static libquickjs'

say() { printf 'deps: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    fail "must be run as root, and there is no sudo: $*"
  fi
}

is_installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

is_installable() { apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }

# The source of the machine's own Debian packages in apt's configuration: URI|FILE:STANZA.
own_source() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4 "|" $5; exit }'
}

# The keyring of the same entry, in either of apt's formats; empty if it names none.
own_keyring() {
  sed -n 's/^Signed-By: *\(\/[^ ]*\).*/\1/p; s/^deb.*signed-by=\(\/[^] ]*\).*/\1/p' "${1%:*}" | head -n 1
}

add_suite() {
  own=$(own_source)
  [ -n "$own" ] || fail "libquickjs is missing, and this is no Debian whose mirror could offer it (it is in Debian 13)"
  keyring=$(own_keyring "${own#*|}")
  sources=$(mktemp)
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "${own%|*}" "$suite" >"$sources"
  [ -z "$keyring" ] || printf 'Signed-By: %s\n' "$keyring" >>"$sources"
  preferences=$(mktemp)
  printf 'Package: *\nPin: release n=%s\nPin-Priority: -1\n\n' "$suite" >"$preferences"
  printf 'Package: libquickjs\nPin: release n=%s\nPin-Priority: 100\n' "$suite" >>"$preferences"
  # The pin comes first: the suite must never be active without it.
  as_root install -m 644 "$preferences" /etc/apt/preferences.d/runt-$suite
  as_root install -m 644 "$sources" /etc/apt/sources.list.d/runt-$suite.sources
  rm -f "$sources" "$preferences"
  say "added Debian's suite $suite, for libquickjs only"
  as_root apt-get update -q -q
  is_installable libquickjs || fail "libquickjs is not in $suite on ${own%|*}"
}

# The packages that are not installed, each after a space.
missing_of() {
  for package in "$@"; do is_installed "$package" || printf ' %s' "$package"; done
}

install_peers() {
  missing=$(missing_of runc crun libseccomp-dev uidmap)
  [ -n "$missing" ] || return 0
  say "installing:$missing"
  # shellcheck disable=SC2086 # a list of words
  (as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >&2) ||
    say "not installed, the tests that need them fail:$missing"
}

# clang with the runtime libraries of libFuzzer and the sanitizers, which are in a package of its version.
install_fuzz() {
  version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  missing=$(missing_of clang "libclang-rt-${version:-14}-dev")
  [ -n "$missing" ] || return 0
  say "installing:$missing"
  # shellcheck disable=SC2086 # a list of words
  (as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >&2) ||
    say 'without libFuzzer the targets in C run with their own driver'
}

install_packages() {
  # shellcheck disable=SC2086 # a list of words
  missing=$(missing_of $packages)
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "missing, and there is no apt-get to install it:$missing"
  say "installing:$missing"
  for package in $missing; do
    is_installable "$package" || {
      as_root apt-get update -q -q
      break
    }
  done
  case "$missing " in
  *' libquickjs '*) is_installable libquickjs || add_suite ;;
  esac
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >&2
}

check_node() {
  headers=$(node -p 'require("path").resolve(process.execPath, "../../include/node/node_api.h")')
  [ -e "$headers" ] || fail "Node's headers are missing ($headers); Debian has them in libnode-dev"
}

install_modules() {
  [ ! -L node_modules ] || return 0 # a link to another checkout: npm ci would empty it
  [ -e node_modules/.package-lock.json ] && npm ls >/dev/null 2>&1 && return 0
  say 'npm ci'
  npm ci --no-audit --no-fund --loglevel=error >&2
}

if [ "${1:-}" = peers ]; then
  install_peers
  exit
fi
if [ "${1:-}" = fuzz ]; then
  install_fuzz
  exit
fi
install_packages
check_node
install_modules
