#!/usr/bin/env bash
# check_layers.sh - proves the table of folders in ARCHITECTURE.md: includes point one way, the decoder
# is pure, each outside library is known to its few files, concrete sinks to one.  Says file:line for
# every offence; exit 1 if there is one.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

offences=$(mktemp)
trap 'rm -f "$offences"' EXIT

# only PLACE HEADERS REASON: in these files, nothing but includes that match.
only() {
    # shellcheck disable=SC2086 # the place may be several
    grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' $1 |
        grep -vE "include[[:space:]]*$2" | sed "s|$|    ($3)|" >>"$offences" || true
}

# nowhere_but FILES PATTERN REASON: the pattern is found in these files only (an ERE on the path).
nowhere_but() {
    grep -rnE --include='*.[ch]' "$2" include decoder sinks relay |
        grep -vE "^($1):" | sed "s|$|    ($3)|" >>"$offences" || true
}

pure='<(assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string)\.h>'
system='<([a-z0-9_]+|(sys|netinet|arpa|sanitizer)/[a-z0-9_]+)\.h>'

only include "($system|\"millrace/)" "include knows the C library only"
only decoder "($pure|\"(millrace|decoder)/)" "the decoder is pure and knows include only"
only sinks "(<|\"(millrace|sinks)/)" "sinks know include only"
only relay "(<|\"(millrace|decoder|sinks|relay)/)" "the relay knows include, decoder and sinks"

nowhere_but 'relay/pg_[a-z_]+\.[ch]|relay/postgres[a-z_]*\.[ch]' '#include <libpq' "libpq belongs to the PostgreSQL source"
nowhere_but 'sinks/kafka[a-z_]*\.[ch]' '#include <librdkafka' "librdkafka belongs to the Kafka sink"
nowhere_but 'relay/options?(_[a-z]+)?\.[ch]' '#include <libfyaml' "libfyaml belongs to the options"
nowhere_but 'none' '#include <jansson' "jansson is the tests' oracle"
nowhere_but 'relay/registry\.c|sinks/[a-z_]+\.[ch]|relay/postgres\.[ch]' \
    '(_sink|_source)_create\(' "concrete sinks and sources are named in relay/registry.c only"

if [ -s "$offences" ]; then
    sort -u "$offences"
    exit 1
fi
echo "includes point one way"
