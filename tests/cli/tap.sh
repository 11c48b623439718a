# tap.sh: what the black-box tests share. Source it; it prints TAP.
#
#   run 3 "a name" CMD ARGS...   runs CMD, wants exit code 3; its standard
#                                output is in $out, standard error in $err
#   says "text"                  the last run's output or error has the text
#   holds "a name" CMD ARGS...   the command must succeed
#   skip_all "why"               ends the program as skipped

bp=$BLOCKPOOL_BUILD_ROOT/blockpool
tmp=$(mktemp -d "${TMPDIR:-/tmp}/blockpool-cli-XXXXXX") || exit 1
data=${BLOCKPOOL_TEST_DATA:-$BLOCKPOOL_SOURCE_ROOT/../shared/data}
out=$tmp/stdout err=$tmp/stderr
n=0 bad=0 pids=

finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$tmp"
}
trap finish EXIT

ok() {
    n=$((n + 1))
    echo "ok $n - $1"
}

not_ok() {
    n=$((n + 1)) bad=1
    echo "not ok $n - $1"
    shift
    for line in "$@"; do echo "# $line"; done
    sed 's/^/# out: /' "$out" | head -20
    sed 's/^/# err: /' "$err" | head -20
}

run() {
    want=$1 name=$2
    shift 2
    "$@" >"$out" 2>"$err" </dev/null
    got=$?
    if [ $got = "$want" ]; then ok "$name"
    else not_ok "$name" "exit code $got, not $want: $*"; fi
}

says() {
    if grep -qF -- "$1" "$out" "$err"; then ok "  … and says: $1"
    else not_ok "  … and says: $1"; fi
}

holds() {
    name=$1
    shift
    if "$@" >"$out" 2>"$err"; then ok "$name"; else not_ok "$name" "$*"; fi
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# Waits up to 20 s for a command to succeed.
until_ok() {
    for _ in $(seq 400); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

# Every complaint is one line on standard error.
one_line() {
    if [ "$(grep -c '^blockpool: error: ' "$err")" = 1 ]; then
        ok "  … in one line"
    else
        not_ok "  … in one line"
    fi
}

plan() {
    echo "1..$n"
    exit $bad
}
