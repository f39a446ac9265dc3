#!/bin/sh
# Builds a fuzz target in C. Usage: build.sh gcc|clang NAME OUTPUT; gcc: with the driver of this directory, clang: with libFuzzer.
set -eu
compiler=$1 name=$2 output=$3
headers=$(node -p 'require("path").resolve(process.execPath, "../../include/node")')
mkdir -p "$(dirname "$output")"
# Other code in the same file as the fuzzed code is never called, and neither is what it calls.
flags="-g -O2 -Wall -Wextra -Wno-missing-field-initializers -Wno-unknown-pragmas -ffunction-sections -fno-pie
  -fsanitize=address,undefined -fno-sanitize-recover=all -Iaddon -Iaddon/binding -Iaddon/kernel
  -Iaddon/machine -Iaddon/runtime -Ibuild/gen"
cxx="-std=gnu++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -DNAPI_VERSION=8
  -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS -isystem node_modules/node-addon-api -isystem $headers"
link='-no-pie -Wl,--gc-sections,--unresolved-symbols=ignore-all'
case $compiler in
gcc)
  cc=gcc cpp=g++ driver=$output.driver.o
  # shellcheck disable=SC2086 # lists of words, also below
  gcc $flags -std=gnu11 -D_GNU_SOURCE= -c -o "$driver" fuzz/c/driver.c
  ;;
*)
  cc=clang cpp=clang++ driver=
  # Without coverage of comparisons, which is slow: no input has to guess a constant.
  flags="$flags -fsanitize=fuzzer -fno-sanitize-coverage=trace-cmp,trace-div,trace-gep"
  ;;
esac
# shellcheck disable=SC2086
if [ -e "fuzz/c/$name.cc" ]; then
  $cpp $flags $cxx $link -o "$output" "fuzz/c/$name.cc" $driver
else
  $cc $flags -std=gnu11 -D_GNU_SOURCE= $link -o "$output" "fuzz/c/$name.c" $driver
fi
