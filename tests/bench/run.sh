#!/usr/bin/env bash
# Measures the relay against the floor in the same run; see tests/bench/bench.py.
#     tests/bench/run.sh [stream|snapshot|memory|latency|all] [--scale FRACTION] [--runs N]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
me=bench
. "$root/deploy/lib/common.sh"
bash "$root/deploy/deps.sh"
(cd "$root" && cmake --preset release -DBUILD_TESTING=OFF >/dev/null && cmake --build --preset release >/dev/null)
exec "$(venv_dir)/bin/python" "$root/tests/bench/bench.py" "$@"
