#!/usr/bin/env bash
# format.sh - clang-format, the pinned version, over every C file:  tests/format.sh [--check]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/lib/common.sh"
cd "$tree"

how=-i
[ "${1:-}" != --check ] || how="--dry-run -Werror"
# shellcheck disable=SC2086 # two words
find include decoder sinks relay tests -name '*.[ch]' -print0 |
    xargs -0 "$(venv_dir)/bin/clang-format" $how
