#!/bin/sh
# Time and instructions of one compilation in QuickJS, with the state of tables and code at the first call.
set -eu
cd "$(dirname "$0")/../.."
out=build/seccomp
engine=$(find /usr/lib -name libquickjs.a | head -n 1)
[ -n "$engine" ] || { echo "SKIP no libquickjs"; exit 0; }
mkdir -p "$out"
npx esbuild seccomp-bpf-js/bench/quickjs-entry.ts --bundle --format=iife --target=es2023 --minify --log-level=error \
  --outfile="$out/quickjs-entry.js"
cc -O2 -I/usr/include/quickjs seccomp-bpf-js/bench/quickjs-host.c -o "$out/quickjs-host" "$engine" -lm -ldl -lpthread
"$out/quickjs-host" "$out/quickjs-entry.js" 300
if command -v valgrind >/dev/null; then
  valgrind --tool=callgrind --collect-atstart=no --toggle-collect=timed_call --callgrind-out-file="$out/callgrind.out" \
    "$out/quickjs-host" "$out/quickjs-entry.js" 1 2>&1 | sed -n 's/.*Collected : /instructions: /p'
fi
