#!/usr/bin/env bash
# Measures the relay against the floor in the same run; see tests/bench/bench.py.
#     tests/bench/run.sh [stream|snapshot|memory|all] [--scale FRACTION] [--runs N]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/deploy/lib/common.sh"
bash "$root/deploy/deps.sh"
(cd "$root" && cmake --preset release -DBUILD_TESTING=OFF >/dev/null && cmake --build --preset release >/dev/null)
exec "$(python_of_tests)" "$root/tests/bench/bench.py" "$@"
