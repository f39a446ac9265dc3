#!/bin/sh
# Installs what is missing, and prints nothing if nothing is. Usage: deps.sh [build|all|peers|fuzz]
#   build   what `make` and `make demo` need: Debian packages, npm's packages that are dependencies, QuickJS
#   all     what checks and tests need as well (the default)
#   peers   programs that some tests need or compare runt with; without them those tests skip, which
#           scripts/allowed-skips.txt does not allow
#   fuzz    clang with libFuzzer
#
# QuickJS's library is in Debian since 13. Where the package is not installed, it is downloaded from Debian 13's suite, by the
# mirror and the key of the machine's own apt configuration, and unpacked in build/quickjs: apt's configuration stays as it is.
set -eu
cd "$(dirname "$0")/.."

suite=trixie
packages='gcc g++ make python3 musl-tools busybox-static'

say() { printf 'deps: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

is_installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

# The packages that are not installed, each after a space.
missing_of() {
  for package in "$@"; do is_installed "$package" || printf ' %s' "$package"; done
}

# install_missing PACKAGE...: with apt-get, as root.
install_missing() {
  missing=$(missing_of "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "missing, and there is no apt-get to install it:$missing"
  root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing; as root: apt-get install$missing"
    root='sudo --'
  fi
  say "apt-get install$missing"
  for package in $missing; do
    apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [^(]' || {
      $root apt-get update -q -q
      break
    }
  done
  # shellcheck disable=SC2086 # a list of words
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >&2
}

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

has_quickjs() {
  for root in '' build/quickjs; do
    for library in "$root"/usr/lib/*/quickjs/libquickjs.a; do [ ! -e "$library" ] || return 0; done
  done
  return 1
}

# Downloads libquickjs with lists and settings of its own, so that root is not needed and apt does not change.
unpack_quickjs() {
  own=$(own_source)
  [ -n "$own" ] || fail "libquickjs is missing, and apt has no Debian source to download it from (it is in Debian 13)"
  keyring=$(own_keyring "${own#*|}")
  say "libquickjs from Debian's suite $suite, unpacked in build/quickjs"
  apt=$PWD/build/apt
  rm -rf "$apt" build/quickjs
  mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "${own%|*}" "$suite" >"$apt/sources/own.sources"
  [ -z "$keyring" ] || printf 'Signed-By: %s\n' "$keyring" >>"$apt/sources/own.sources"
  set -- -q -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources" -o Dir::Etc::PreferencesParts=/dev/null \
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=
  (apt-get "$@" update && cd "$apt" && apt-get "$@" download libquickjs) >&2 || fail "libquickjs: no download from ${own%|*}"
  # Under another name first, so that build/quickjs is always complete.
  dpkg-deb -x "$apt"/libquickjs_*.deb "$apt/unpacked"
  mv "$apt/unpacked" build/quickjs
  rm -rf "$apt"
}

check_node() {
  command -v node >/dev/null || fail 'node is missing: the build needs Node 20 or newer (Debian 13 has it; Debian 12 has 18)'
  version=$(node -p process.versions.node)
  [ "${version%%.*}" -ge 20 ] || fail "Node $version is too old: the build needs 20 or newer (Debian 13 has it; Debian 12 has 18)"
  command -v npm >/dev/null || fail 'npm is missing'
  headers=$(node -p 'require("path").resolve(process.execPath, "../../include/node/node_api.h")')
  [ -e "$headers" ] || fail "Node's headers are missing ($headers); Debian has them in libnode-dev"
}

# install_modules [OPTION]: npm's packages, those of one kind with an option.
install_modules() {
  [ ! -L node_modules ] || return 0 # a link to another checkout: npm ci would empty it
  [ -e node_modules/.package-lock.json ] && npm ls "$@" >/dev/null 2>&1 && return 0
  say "npm ci${1:+ $1}, into node_modules"
  npm ci --no-audit --no-fund --loglevel=error "$@" >&2
}

# For tests that fail without it: the others can run.
install_optional() {
  (install_missing "$@") || say "not installed, the tests that need it fail:$(missing_of "$@")"
}

case "${1:-all}" in
peers) install_optional runc crun libseccomp-dev uidmap zsh fish ;;
fuzz)
  # The runtime libraries of libFuzzer and the sanitizers are in a package of clang's version.
  version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  (install_missing clang "libclang-rt-${version:-14}-dev") || say 'without libFuzzer the targets in C run with their own driver'
  ;;
build | all)
  check_node
  # shellcheck disable=SC2086 # a list of words
  install_missing $packages $([ "${1:-all}" = build ] || echo clang-format)
  has_quickjs || unpack_quickjs
  if [ "${1:-all}" = build ]; then install_modules --omit=dev; else install_modules; fi
  ;;
*) fail "unknown: $1" ;;
esac
