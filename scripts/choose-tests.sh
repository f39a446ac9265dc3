#!/bin/sh
# Prints the bundled end-to-end tests whose path contains one of the words, and, if TESTS is set, one of its words as well.
# Usage: choose-tests.sh BUILD 'WORD …'
set -eu
for word in $2; do find "$1/test/conformance" -name '*.test.mjs' -path "*/$word*"; done | sort -u | while read -r file; do
  [ -n "${TESTS:-}" ] || echo "$file"
  for word in ${TESTS:-}; do case $file in *"$word"*) echo "$file" && break ;; esac done
done
