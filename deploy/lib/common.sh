# shellcheck shell=bash
# common.sh - what the shell scripts of this project share: where things live, how a step is told.
# Sourced, never run.  The caller has set -eu and -o pipefail.

me=${me:-$(basename "$0" .sh)} # what every line begins with

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${MILLRACE_CACHE:-${HOME:-/root}/.cache/millrace}
log_dir=$cache/log

rdkafka_dir=$cache/librdkafka-2.15.1 # CMakeLists.txt looks exactly there
kafka_dir=$cache/kafka-4.3.1
registry_dir=$cache/apicurio-2.6.13
debezium_dir=$cache/debezium-3.7.0
connect_dir=$cache/connect-4.3.1
jdbc_sink_dir=$cache/jdbc-sink-3.6.0/debezium-connector-jdbc # Connect looks for plugins in the folder above
flink_dir=$cache/flink-2.3.0
pgvector_dir=$cache/postgres-pgvector # a PostgreSQL 18

say() {
    echo "$me: $*"
}

die() {
    echo "$me: $*" >&2
    exit 1
}

# The virtual environment belongs to one list of requirements: another list, another environment.
venv_dir() {
    local sum

    sum=$(sha256sum "$tree/tests/requirements.txt")
    echo "$cache/venv-${sum:0:12}"
}

python_of_tests() {
    echo "$(venv_dir)/bin/python"
}

# step NAME TEXT COMMAND...: one line when it is done; when it fails its name and its last lines.
# The command runs under `set -e` with its output in a log file.
step() {
    local name=$1 text=$2 log=$log_dir/$me-$1.log started=$SECONDS status

    shift 2
    mkdir -p "$log_dir"
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        echo "$me: step \"$name\" failed (exit $status): $text" >&2
        tail -n 15 "$log" | sed 's/^/    /' >&2
        echo "$me: all its output is in $log" >&2
        exit 1
    fi
    say "$name: $text ($((SECONDS - started)) s)"
}
