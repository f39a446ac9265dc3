#!/bin/sh
# Runs the unit tests on plain Node and reports which lines of src/ they cover. Without the end-to-end tests, because
# these run the static program. Usage: coverage.sh BUILD
set -eu
plain=$1/plain
raw=$1/coverage
rm -rf "$raw"
# shellcheck disable=SC2046 # a list of files
node scripts/bundle.mjs plain "$plain" $(find src seccomp-bpf-js addon conformance build/gen -name '*.ts' ! -name '*.d.ts' ! -path '*/node_modules/*')
status=0
for file in $(find "$plain/src" "$plain/seccomp-bpf-js" -name '*.test.ts' | sort); do
  NODE_V8_COVERAGE=$raw node --enable-source-maps --import ./scripts/ts-as-js.mjs "$file" >"$1/coverage.log" || {
    status=1
    echo "failed: $file"
  }
done
node_modules/.bin/c8 report --temp-directory "$raw" --exclude-after-remap --reporter text \
  --include 'src/**/*.ts' --include 'seccomp-bpf-js/src/**/*.ts' --include 'build/gen/*.ts' --exclude '**/*.test.ts'
exit $status
