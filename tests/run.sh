#!/usr/bin/env bash
# run.sh - every test there is, on this machine, from nothing.
#
#   tests/run.sh                      everything
#   tests/run.sh --long               also PostgreSQL 13 and 18, and 200 kills instead of 20
#   tests/run.sh --only unit,lint     some of: unit, lint, fuzz, guard, integration
#   tests/run.sh --only downstream    consumers of others on our topics: Debezium's JDBC sink, Flink (not in "everything")
#
# Ends with `N passed, N failed, N skipped`; exit 0 only if nothing failed and something passed.  What
# each stage said is in build/check/NAME.log.
set -euo pipefail

me=run
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/lib/common.sh"
cd "$tree"

stages=unit,lint,fuzz,guard,integration
kills=20
more_postgres=
while [ $# -gt 0 ]; do
    case $1 in
    --only) stages=${2:?--only needs a list} && shift 2 ;;
    --long) kills=200 && more_postgres=13,18 && shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option $1 (see --help)" ;;
    esac
done
for stage in ${stages//,/ }; do
    case $stage in
    unit | lint | fuzz | guard | integration | downstream) ;;
    *) die "--only: no such stage \"$stage\" (unit, lint, fuzz, guard, integration, downstream)" ;;
    esac
done

wants() { # wants STAGE
    [[ ,$stages, == *",$1,"* ]]
}

results=$tree/build/check
passed=0 failed=0 skipped=0

# check NAME COMMAND...: one line for it, and its tests counted: those of $results/NAME.xml if the
# command writes that file, else the command is one test.  $good says how it went (the status does
# not: `set -e` is off in whatever is asked for its status).
check() {
    local name=$1 log=$results/$1.log started=$SECONDS status counts p f s

    shift
    printf '%s: %-22s ' "$me" "$name"
    rm -f "$results/$name.xml"
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    counts="1 0 0"
    [ "$status" -eq 0 ] || counts="0 1 0"
    if [ -e "$results/$name.xml" ]; then
        counts=$(python3 tests/support/tally.py "$results/$name.xml" 2>>"$log") || counts="0 1 0"
    fi
    read -r p f s <<<"$counts"
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then # it failed as a whole: a crash, a time-out
        f=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$p passed, $f failed, $s skipped ($((SECONDS - started)) s)"
    good=true
    if [ "$f" -ne 0 ]; then
        good=false
        tail -n 60 "$log" | sed 's/^/    /'
        echo "$me: all of it is in $log"
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then exit 0; fi
    exit 1
}

# ---- the stages

preset_build() { # preset_build PRESET
    cmake --preset "$1" -DBUILD_TESTING=ON
    cmake --build --preset "$1"
}

relay_build() { # the program alone, at full speed
    cmake --preset release -DBUILD_TESTING=ON
    cmake --build --preset release --target millrace
}

unit_tests() { # unit_tests PRESET NAME
    ctest --preset "$1" -j "$(nproc)" --output-junit "$results/$2.xml" \
        --test-output-size-passed 10000000 --test-output-size-failed 10000000
}

guard() { # instructions for each event; how to store new figures: tests/bench/guard.py --help
    python3 tests/bench/guard.py build/release/tests/bench/bench_guard --junit "$results/guard.xml"
}

mutants() { # the ways in which the sources can be broken on purpose
    grep -rhoE 'MILLRACE_MUTANT_[A-Z_]+' include decoder sinks relay | sed 's/MILLRACE_MUTANT_//' |
        tr '[:upper:]' '[:lower:]' | sort -u
}

mutants_build() {
    local name

    for name in $(mutants); do
        cmake -S . -B "build/mutant-$name" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
            -DMILLRACE_MUTANT="$name" -DBUILD_TESTING=OFF
        cmake --build "build/mutant-$name" --target millrace
    done
}

integration() { # integration NAME BUILD ARGUMENT...: pytest on the relay of that build
    local name=$1 build=$2

    shift 2
    pytest_of "$name" "$build" "$@" tests/integration
}

downstream() { # programs of others that read what the relay of that build writes
    pytest_of downstream "$1" tests/downstream
}

pytest_of() { # pytest_of NAME BUILD ARGUMENT...
    local name=$1 build=$2

    shift 2
    ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        "$(python_of_tests)" -m pytest -q -ra -p no:cacheprovider --junitxml="$results/$name.xml" \
        --millrace="$tree/build/$build/relay/millrace" "$@"
}

wants_any() {
    local stage

    for stage in "$@"; do
        if wants "$stage"; then return 0; fi
    done
    return 1
}

# ---- in order

if wants downstream; then
    "$BASH" deploy/deps.sh --only build,postgres,kafka,tests,downstream
fi
if wants integration; then
    "$BASH" deploy/deps.sh \
        ${more_postgres:+--only build,postgres,kafka,tests,bench,registry --postgres "$more_postgres"}
else
    "$BASH" deploy/deps.sh --only build,tests
fi
mkdir -p "$results"

if wants_any unit lint integration; then
    check build-ci preset_build ci
    $good || finish # nothing else can be tested before that builds
fi
if wants unit; then
    check unit unit_tests ci unit
fi
if wants lint; then
    check headers bash tests/check_headers.sh
    check format bash tests/format.sh --check
    check tidy "$(python_of_tests)" tests/support/tidy.py build/ci build/check/tidy
fi
if wants fuzz; then
    check build-fuzz preset_build fuzz
    if $good; then check fuzz unit_tests fuzz fuzz; fi
fi
released=false
if wants_any guard integration; then
    check build-release preset_build release
    released=$good
fi
if wants guard && $released; then
    check guard guard
fi
if wants integration; then
    # With sanitizers all that is about being right, by several processes with servers of their own,
    # since a test mostly waits; at full speed what is about being killed at the wrong moment.
    check integration-asan integration integration-asan ci -m "not kills" -n 3 --dist loadgroup
    if $released; then
        check unit-release unit_tests release unit-release
        check build-mutants mutants_build
        check integration-release integration integration-release release -m "kills or smoke" \
            --kills "$kills"
        for major in ${more_postgres//,/ }; do
            check "integration-pg$major" integration "integration-pg$major" release \
                --postgres-version "$major"
        done
    fi
fi
if wants downstream; then
    check build-relay relay_build
    if $good; then check downstream downstream release; fi
fi
finish
