#!/usr/bin/env bash
# quickstart.sh - a PostgreSQL database arrives in Kafka: from a fresh clone, with one command.
#
#   deploy/quickstart.sh              installs what is missing, builds, starts a private PostgreSQL and
#                                     Kafka, relays Debian's own package list, changes it meanwhile
#   deploy/quickstart.sh --log        the same without Kafka: into a local event log
#   deploy/quickstart.sh --stop       ends all of it and removes its folder
#   --keep-dir DIR                    keep everything in DIR, also after --stop
#
# Ports are free ones on 127.0.0.1.  The folder is ${MILLRACE_RUN:-~/.local/state/millrace-quickstart}
# (root's: /var/lib/millrace-quickstart, since PostgreSQL does not run as root).
set -euo pipefail

me=quickstart
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

if [ "$(id -u)" -eq 0 ]; then
    run=${MILLRACE_RUN:-/var/lib/millrace-quickstart}
else
    run=${MILLRACE_RUN:-${XDG_STATE_HOME:-$HOME/.local/state}/millrace-quickstart}
fi
keep=false kept='' sink=kafka stop=false
unset "${!PG@}" # nothing shall lead psql elsewhere
while [ $# -gt 0 ]; do
    case $1 in
    --log) sink=log && shift ;;
    --stop) stop=true && shift ;;
    --keep-dir) run=${2:?--keep-dir needs a folder} && keep=true && kept=" --keep-dir $run" && shift 2 ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option $1 (see --help)" ;;
    esac
done

millrace=$tree/build/release/relay/millrace
config=$run/millrace.yaml
topic=quickstart.public.packages
servers=$tree/deploy/lib/private_servers.py

# ---- what runs

process_start() { # process_start PID: with the id it names one process for good
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

relay_pid() { # prints it if the relay runs
    local pid start

    read -r pid start 2>/dev/null <"$run/relay.pid" || return 1
    [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && echo "$pid"
}

relay_stop() {
    local pid

    if pid=$(relay_pid); then
        kill -TERM "$pid"
        while relay_pid >/dev/null; do sleep 0.1; done
    fi
}

everything_stop() {
    relay_stop
    if command -v python3 >/dev/null; then python3 "$servers" stop "$run"; fi
}

# Only what this script made: the folder may be somebody's own.
everything_remove() {
    rm -rf "$run/postgres" "$run/kafka" "$run/event-log"
    rm -f "$config" "$run/relay.log" "$run/relay.pid" "$run/ports" "$run/sink"
    rmdir "$run" 2>/dev/null || true
}

given_up() {
    local status=$?

    if [ "$status" -ne 0 ]; then
        if [ -e "$run/relay.log" ]; then
            echo "$me: the relay said last:" >&2
            tail -n 10 "$run/relay.log" | sed 's/^/    /' >&2
        fi
        everything_stop || true
        echo "$me: given up; all is stopped, its logs are in $run" >&2
    fi
}

# ---- the steps

build() {
    cd "$tree"
    cmake --preset release
    cmake --build --preset release --target millrace
}

servers_start() {
    python3 "$servers" start "$run" postgres ${1:+"$1"} >"$run/ports.new"
    mv "$run/ports.new" "$run/ports"
}

postgres() { # postgres SQL: one transaction each
    psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c "$1"
}

data_load() {
    psql -X -q -v ON_ERROR_STOP=1 -d "${database/dbname=debian/dbname=postgres}" -c "CREATE DATABASE debian"
    postgres "$(python3 "$tree/deploy/lib/debian_packages.py" --table)"
    apt-cache dumpavail | python3 "$tree/deploy/lib/debian_packages.py" | postgres "COPY packages FROM STDIN"
}

config_write() {
    cat <<YAML
name: quickstart
source:
  postgres:
    host: 127.0.0.1
    port: $postgres_port
    database: debian
    user: postgres
publication:
  create: filtered
tables:
  include: ['public\.packages']
YAML
    if [ "$sink" = kafka ]; then
        printf 'kafka:\n  bootstrap_servers: 127.0.0.1:%s\n' "$kafka_port"
    else
        printf 'event_log:\n  directory: %s\n' "$run/event-log"
    fi
}

relay_start() {
    # setsid: ^C in this terminal is not meant for it; it has to outlive this script.
    setsid "$millrace" run -c "$config" >>"$run/relay.log" 2>&1 </dev/null &
    echo "$! $(process_start $!)" >"$run/relay.pid"
}

show() { # show WHAT...: while the relay runs
    "${consumer[@]}" "$@" &
    local pid=$!

    while kill -0 "$pid" 2>/dev/null; do
        if ! relay_pid >/dev/null; then
            kill "$pid" 2>/dev/null || true
            die "the relay ended"
        fi
        sleep 0.1
    done
    wait "$pid"
}

names_set() { # what follows from the ports
    . "$run/ports"
    database="host=127.0.0.1 port=$postgres_port user=postgres dbname=debian"
    if [ "$sink" = kafka ]; then
        consumer=("$(python_of_tests)" "$tree/deploy/lib/show_records.py" kafka "127.0.0.1:$kafka_port" "$topic")
    else
        consumer=(python3 "$tree/deploy/lib/show_records.py" log "$millrace" "$run/event-log" "$topic")
    fi
}

next_steps() {
    cat <<TEXT

It keeps running. Try next, the first in a second terminal:

  # every change as it arrives
  ${consumer[*]} --follow

  # make one
  psql '$database' -c "UPDATE packages SET version = '9:9' WHERE name = 'bash'"

  # how far it is
  $millrace status -c $config

The end of it all:

  $tree/deploy/quickstart.sh --stop$kept
TEXT
}

# ---- in order

if $stop; then
    everything_stop
    $keep || everything_remove
    say "stopped"
    exit 0
fi
if relay_pid >/dev/null; then
    sink=$(cat "$run/sink")
    names_set
    say "it runs already, into $sink (--stop ends it)"
    next_steps
    exit 0
fi

if [ "$sink" = kafka ]; then groups=build,postgres,kafka; else groups=build,postgres; fi
"$BASH" "$tree/deploy/deps.sh" --only "$groups,package-lists"
step build "built $millrace" build

mkdir -p "$run"
run=$(cd "$run" && pwd)
config=$run/millrace.yaml
everything_stop # a relay that ended by itself leaves servers
everything_remove
mkdir -p "$run"
trap given_up EXIT
echo "$sink" >"$run/sink"
if [ "$sink" = kafka ]; then
    step servers "PostgreSQL and Kafka run in $run" servers_start kafka
else
    step servers "PostgreSQL runs in $run" servers_start
fi
names_set
step data "loaded Debian's package list into the table packages" data_load
say "data: $(psql -X -q -A -t -d "$database" -c 'SELECT count(*) FROM packages') rows"
config_write >"$config"
relay_start
say "relay: millrace run -c $config"

echo
echo "The first rows of the snapshot in $topic:"
show --snapshot 3
postgres "INSERT INTO packages (name, architecture, version, description)
          VALUES ('millrace', 'all', '0.1', 'a row made while the relay runs')"
postgres "UPDATE packages SET version = '0.2' WHERE name = 'millrace'"
postgres "DELETE FROM packages WHERE name = 'millrace'"
echo
echo "An insert, an update and a delete, made while it runs:"
show --changes 4
echo
say "snapshot: $(sed -n 's/.* snapshot_done //p' "$run/relay.log")"
if [ "$sink" = log ]; then
    say "the log: millrace log stat $run/event-log"
    "$millrace" log stat "$run/event-log" | sed -n '1,4s/^/    /p'
fi
trap - EXIT
next_steps
