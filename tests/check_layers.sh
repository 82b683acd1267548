#!/usr/bin/env bash
# check_layers.sh - proves the table of folders in ARCHITECTURE.md: includes point one way, the decoder
# is pure, each outside library is known to its few files, concrete sources and sinks to the registry.
#
#   tests/check_layers.sh [TREE]        says file:line for every offence; exit 1 if there is one
#   tests/check_layers.sh --self-test   commits every offence in a tree of its own: each must be seen
set -euo pipefail

# folder: what it may include of ours
folders='
include  millrace/*
decoder  millrace/* decoder/*
sinks    millrace/* sinks/*
relay    millrace/* decoder/* sinks/* relay/*
'

# header: the files that may include it
libraries='
libpq-fe.h                 relay/pg_*.[ch] relay/postgres.c
librdkafka/*               sinks/kafka*.[ch]
libfyaml.h                 relay/option*.[ch]
sanitizer/*                include/src/arena.c
jansson.h                  sinks/registry_client.c sinks/schema_change.c relay/plan_*.[ch] relay/command_plan.c relay/command_schema.c relay/import_properties.c
avro.h                     -
curl/*                     sinks/registry_http.c
openssl/*                  sinks/digest.c
'

# header of a concrete source or sink, as the relay sees it: the files that may include it
concrete='
sinks/log_*.h              relay/command_log.c
sinks/record_json.h        relay/command_log.c
sinks/plan.h               relay/command_plan.c relay/command_schema.c relay/plan_*.c
sinks/registry_collect.h   relay/registry.c relay/command_plan.c relay/command_schema.c
sinks/connect_schema.h     relay/command_schema.c relay/plan_columns.c
sinks/semantic.h           relay/plan_columns.c
sinks/name_adjust.h        relay/plan_columns.c
sinks/value_array.h        relay/pg_catalog.c
sinks/rules.h              relay/plan_table.c
sinks/topic_name.h         relay/plan_table.c
sinks/*                    relay/registry.c relay/main.c relay/options.h
relay/postgres.h           relay/registry.c relay/main.c relay/options.h relay/postgres.c relay/pg_*.[ch]
'

pure=' assert ctype errno float inttypes limits math stdalign stdarg stdbool stddef stdint stdlib string '
system="$pure dirent fcntl locale malloc netdb netinet/in poll pthread regex setjmp signal stdatomic stdio sys/eventfd
 sys/file sys/mman sys/random sys/resource sys/signalfd sys/socket sys/stat sys/time sys/types sys/uio sys/wait
 syslog termios time unistd "

# matches TEXT PATTERN...: TEXT is one of these.
matches() {
    local text=$1 pattern

    shift
    for pattern in "$@"; do
        # shellcheck disable=SC2053 # a pattern it is
        if [[ $text == $pattern ]]; then return 0; fi
    done
    return 1
}

# row TABLE KEY: the rest of the first row whose first word, a pattern, matches KEY.
row() {
    local first rest

    while read -r first rest; do
        if [ -n "$first" ] && matches "$2" "$first"; then
            printf '%s\n' "$rest"
            return 0
        fi
    done <<<"$1"
    return 1
}

# judge FILE HEADER: prints what is wrong with it; HEADER begins with its '<' or '"', or is '?' for a macro.
judge() {
    local file=$1 folder=${1%%/*} header=${2:1} allowed name

    name=" ${header%.h} "
    set -f # the tables hold patterns, to be split but not expanded
    if [ "$2" = '?' ]; then
        echo "an include must name its header"
    elif [ "${2:0:1}" = '"' ]; then
        # shellcheck disable=SC2046
        matches "$header" $(row "$folders" "$folder") ||
            echo "$folder/ must not know $header"
        if [ "$folder" = relay ] && allowed=$(row "$concrete" "$header"); then
            # shellcheck disable=SC2086
            matches "$file" $allowed || echo "$header is for $allowed"
        fi
    elif allowed=$(row "$libraries" "$header"); then
        # shellcheck disable=SC2086
        matches "$file" $allowed || echo "<$header> is for $allowed"
    elif [ "$folder" = decoder ]; then
        [[ $pure == *"$name"* ]] || echo "the decoder is pure: not <$header>"
    else
        [[ ${system//$'\n'/} == *"$name"* ]] || echo "<$header> belongs to no library in this script"
    fi
    set +f
}

# offences TREE: one line each.
offences() (
    cd "$1"
    grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' include decoder sinks relay |
        sed -E 's/^([^:]+):([0-9]+):[^<"]*([<"][^>"]*).*/\1 \2 \3/; t; s/^([^:]+):([0-9]+):.*/\1 \2 ?/' | sort |
        while read -r file line header; do
            judge "$file" "$header" | sed "s|^|$file:$line: |"
        done
    grep -rnE --include='*.[ch]' '(_sink|_source)_create\(' relay |
        grep -vE '^relay/(registry\.c|main\.c|postgres\.[ch]):' |
        sed 's|$|    (sources and sinks are made in relay/registry.c only)|' || true
)

# ---- the self-test

# refused FILE LINE: a clean tree with LINE in FILE must give just one offence, there.
refused() {
    local tree=$scratch/tree got

    rm -rf "$tree"
    mkdir -p "$tree"/{include/millrace,include/src,decoder,sinks,relay}
    echo '#include "millrace/slice.h"' | tee "$tree"/{decoder/a.c,sinks/a.c,relay/a.c} >/dev/null
    printf '#include <poll.h>\n#include <libpq-fe.h>\n#include "relay/postgres.h"\n' >"$tree/relay/pg_a.c"
    printf '#include "sinks/plain.h"\nplain_sink_create();\n' >"$tree/relay/registry.c"
    echo '#include <string.h>' >"$tree/include/src/a.c"
    got=$(offences "$tree")
    if [ -n "$got" ]; then
        echo "clean tree refused: $got"
        failures=$((failures + 1))
    fi
    echo "$2" >>"$tree/$1"
    got=$(offences "$tree")
    if [[ $got != "$1:"* || $got == *$'\n'* ]]; then
        echo "not seen: $2 in $1${got:+ (but: $got)}"
        failures=$((failures + 1))
    fi
}

self_test() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    failures=0
    refused include/millrace/x.h '#include "decoder/walmsg.h"'
    refused include/src/x.c '#include "relay/log.h"'
    refused include/src/x.c '#include "x.h"'
    refused decoder/x.c '#include "relay/log.h"'
    refused decoder/x.c '#include "sinks/recorder.h"'
    refused decoder/x.c '  #  include   <stdio.h>'
    refused decoder/x.c '#include <time.h>'
    refused decoder/x.c '#include <pthread.h>'
    refused decoder/x.h '#include <libpq-fe.h>'
    refused sinks/x.c '#include "relay/options.h"'
    refused sinks/x.c '#include "decoder/pgoutput.h"'
    refused sinks/x.c '#include <librdkafka/rdkafka.h>'
    refused sinks/kafka.c '#include <libpq-fe.h>'
    refused sinks/x.c '#include <curl/curl.h>'
    refused sinks/x.c '#include <unheard_of.h>'
    refused relay/x.c '#include <libpq-fe.h>'
    refused relay/x.c '#include <libfyaml.h>'
    refused relay/x.c '#include <jansson.h>'
    refused relay/x.c '#include <librdkafka/rdkafka.h>'
    refused relay/x.c '#include "sinks/kafka.h"'
    refused relay/x.c '#include "sinks/log_reader.h"'
    refused relay/command_log.c '#include "sinks/kafka.h"'
    refused relay/loop.c '#include "relay/postgres.h"'
    refused relay/loop.c '    sink = kafka_sink_create(options);'
    refused relay/x.c '#include HEADER'
    if [ "$failures" -ne 0 ]; then exit 1; fi
    echo "every offence is seen"
}

if [ "${1:-}" = --self-test ]; then
    self_test
else
    found=$(offences "${1:-$(dirname "$0")/..}")
    if [ -n "$found" ]; then
        printf '%s\n' "$found"
        exit 1
    fi
    echo "includes point one way"
fi
