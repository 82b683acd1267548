#!/usr/bin/env bash
# Measures the relay beside its floors in the same run; see tests/bench/README.md.
#     tests/bench/run.sh [stream|snapshot|latency|memory|encode|scale|all]... [--scale FRACTION]
#                        [--runs N] [--debezium] [--json FILE] [--plots FOLDER]; --help for all
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
me=bench
. "$root/deploy/lib/common.sh"
groups=build,postgres,kafka,tests,bench
[[ " $* " != *" --debezium "* ]] || groups=$groups,debezium
"$BASH" "$root/deploy/deps.sh" --only "$groups"
build() {
    cd "$root"
    cmake --preset release -DBUILD_TESTING=ON
    cmake --build --preset release --target millrace bench_encode bench_produce bench_latency
}
step build "built the relay and the measuring programs" build
exec "$(python_of_tests)" "$root/tests/bench/bench.py" "$@"
