#!/bin/sh
# test_install: what `make install` leaves is enough for a stranger's program.
#
# Installs into a temporary folder, compiles C11 and C++17 against every header
# alone with the flags of pkg-config, links and runs a program with the shared
# and with the static libraries, and looks at the symbols. Prints TAP.
set -u
build=$BLOCKPOOL_BUILD_ROOT
tmp=$(mktemp -d "${TMPDIR:-/tmp}/blockpool-install-XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0

# tap NAME: the result of the command before it; its words are in $tmp/out.
tap() {
    result=$?
    n=$((n + 1))
    if [ $result = 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$tmp/out"
        bad=1
    fi
    return $result
}

meson install -C "$build" --no-rebuild --destdir "$tmp/root" \
    >"$tmp/out" 2>&1
tap "meson install" || exit 1

pc=$(find "$tmp/root" -name blockpool.pc)
libdir=$(dirname "$(dirname "$pc")")
prefix=$tmp/root$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH="$(dirname "$pc")"
config() {
    pkg-config --define-variable=prefix="$prefix" "$@"
}
cflags=$(config --cflags blockpool-eth)

for header in "$prefix"/include/blockpool/*.h; do
    name=blockpool/$(basename "$header")
    printf '#include <%s>\nint main(void) { return 0; }\n' "$name" \
        >"$tmp/one.c"
    cp "$tmp/one.c" "$tmp/one.cc"
    cc -std=c11 -pedantic -Wall -Wextra -Werror $cflags -c "$tmp/one.c" \
        -o "$tmp/one.o" >"$tmp/out" 2>&1
    tap "$name alone in C11"
    c++ -std=c++17 -pedantic -Wall -Wextra -Werror $cflags -c "$tmp/one.cc" \
        -o "$tmp/one.o" >"$tmp/out" 2>&1
    tap "$name alone in C++17"
done

cat >"$tmp/use.c" <<'C'
#include <blockpool/base.h>
#include <blockpool/keccak.h>
#include <string.h>

int main(void) {
    char text[65];
    bp_hash h;
    bp_span nothing = { NULL, 0 };
    bp_keccak256(&h, nothing);
    bp_hex(text, h.b, sizeof h.b);
    return strcmp(text, "c5d2460186f7233c927e7db2dcc703c0"
                        "e500b653ca82273b7bfad8045d85a470") != 0;
}
C
cp "$tmp/use.c" "$tmp/use.cc"
cc -std=c11 $cflags "$tmp/use.c" -o "$tmp/use" \
    $(config --libs blockpool-eth) >"$tmp/out" 2>&1 &&
    LD_LIBRARY_PATH=$libdir "$tmp/use" >>"$tmp/out" 2>&1
tap "a C program with the shared libraries"
c++ -std=c++17 $cflags "$tmp/use.cc" -o "$tmp/use" \
    $(config --libs blockpool-eth) >"$tmp/out" 2>&1 &&
    LD_LIBRARY_PATH=$libdir "$tmp/use" >>"$tmp/out" 2>&1
tap "a C++ program with the shared libraries"
# libblockpool alone: a host is made and freed again.
cat >"$tmp/host.c" <<'C'
#include <blockpool/host.h>
#include <blockpool/record.h>

int main(void) {
    struct bp_host_chain chain = { 0, 0, 0, 0, 0, 0 };
    struct bp_host *h = 0;
    if (bp_host_new(&h, &chain, 0) != 0) return 1;
    bool idle = bp_host_wait(h, 0);
    bp_host_free(h);
    return idle && BP_RECORD_VERSION == 1 ? 0 : 1;
}
C
for compiler in "cc -std=c11" "c++ -std=c++17 -xc++"; do
    $compiler $cflags "$tmp/host.c" -o "$tmp/host" \
        $(config --libs blockpool) >"$tmp/out" 2>&1 &&
        LD_LIBRARY_PATH=$libdir "$tmp/host" >>"$tmp/out" 2>&1
    tap "a host with libblockpool alone: $compiler"
done
# Our archives, the packages' shared libraries.
cc -std=c11 $cflags "$tmp/use.c" -o "$tmp/use" \
    $(config --static --libs blockpool-eth |
        sed 's/-lblockpool\(-eth\)\{0,1\}/-l:libblockpool\1.a/g') \
    >"$tmp/out" 2>&1 && "$tmp/use" >>"$tmp/out" 2>&1
tap "a C program with the static libraries"

for lib in blockpool blockpool-eth; do
    so=$libdir/lib$lib.so
    readelf -d "$so" | grep -q "SONAME.*\[lib$lib\.so\.0\]" >"$tmp/out"
    tap "the SONAME of lib$lib"
    nm -D --defined-only "$so" | awk '$2 != "A" { print $3 }' |
        sed 's/@.*//' | sort -u >"$tmp/$lib.symbols"
    grep -v '^bp_' "$tmp/$lib.symbols" >"$tmp/out"
    test ! -s "$tmp/out" -a -s "$tmp/$lib.symbols"
    tap "lib$lib.so exports nothing but bp_*"
    nm -g --defined-only "$libdir/lib$lib.a" 2>/dev/null |
        awk 'NF == 3 && $3 !~ /^bp_/ { print $3 }' >"$tmp/out"
    test ! -s "$tmp/out"
    tap "lib$lib.a has no global name but bp_*"
done
readelf -d "$libdir/libblockpool.so" |
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.so' >"$tmp/out"
test ! -s "$tmp/out"
tap "libblockpool needs the C library only"

# Every function that a header declares is in a library.
cat "$tmp"/*.symbols | sort -u >"$tmp/exported"
for header in "$prefix"/include/blockpool/*.h; do
    cc -E -P -fpreprocessed -dD "$header" 2>/dev/null | tr '\n' ' ' |
        grep -o 'BP_API [^;{=]*[;=]' | grep -v '^BP_API *__attribute__' |
        sed 's/(.*//; s/[;=]//; s/\[.*//; s/ *$//; s/.*[ *]//' |
        sort -u >"$tmp/declared"
    comm -23 "$tmp/declared" "$tmp/exported" >"$tmp/out"
    test ! -s "$tmp/out" -a -s "$tmp/declared"
    tap "every declaration of $(basename "$header") is exported"
done

for header in "$BLOCKPOOL_SOURCE_ROOT"/include/blockpool/*.h; do
    cmp "$header" "$prefix/include/blockpool/$(basename "$header")"
done >"$tmp/out" 2>&1
test ! -s "$tmp/out"
tap "every header of include/blockpool is installed"

for page in "$BLOCKPOOL_SOURCE_ROOT"/docs/man/*.scd; do
    page=$(basename "$page" .scd)
    grep -q '^\.SH NAME' "$prefix/share/man/man${page##*.}/$page"
done >"$tmp/out" 2>&1
test ! -s "$tmp/out"
tap "every page of docs/man is installed"

test -z "$(find "$tmp/root" -path '*/include/*' -type f \
    ! -path '*/include/blockpool/*')"
tap "headers are under include/blockpool only"
echo "1..$n"
exit $bad
