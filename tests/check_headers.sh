#!/usr/bin/env bash
# check_headers.sh - every header compiles alone, also those that no CMake header set verifies.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/lib/common.sh"
cd "$tree"

flags=$(PKG_CONFIG_PATH="$rdkafka_dir/lib/pkgconfig" pkg-config --cflags libpq rdkafka libfyaml | sed "s/-I/-isystem /g")
bad=0
for header in $(find include decoder sinks relay tests -name '*.h' | sort); do
    # shellcheck disable=SC2086 # several flags
    echo "#include \"$header\"" | cc -std=c17 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -fsyntax-only \
        -I. -Iinclude $flags -x c - || bad=1
done
exit "$bad"
