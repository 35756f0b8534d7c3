#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# threads.sh BUILD: the library under many threads, built for ThreadSanitizer: tests/unit/test_threads.c and what it needs of the
# library, as the same program of BUILD tells. What OpenSSL and jansson do inside is not seen by it.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
what='nothing is written by one thread while another looks'
if ! command -v clang >/dev/null; then
        echo "skip - $what: clang is not installed"
        exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$here" || exit 1
calm=
setarch -R true 2>/dev/null && calm='setarch -R' # the sanitizer needs its own places in memory
program=${1:?BUILD}/tests/test_threads
readelf -sW "$program" | sed -n 's/.* FILE .* \([a-z_0-9]*\.c\)$/\1/p' | sort -u >"$work/names"
set -- "$work/obj/tests/unit/test_threads.o" "$work/obj/tests/support/testpki.o" "$work/obj/tests/support/testkeys.o" "$work/obj/tests/support/testlists.o"
for file in client-sdk/*.c base/*.c; do
        grep -Fqx "${file##*/}" "$work/names" && set -- "$@" "$work/obj/${file%.c}.o"
done
# shellcheck disable=SC2046 # flags are words
if ! { make -s -j2 BUILD="$work" CC=clang CFLAGS='-O0 -g -fsanitize=thread' "$@" >"$work/made" 2>&1 &&
        clang -pie -fsanitize=thread "$@" $(pkg-config --libs libcrypto jansson cmocka) -o "$work/threads"; }; then
        echo "not ok - $what: it cannot be built"
        cat "$work/made"
        exit 1
fi
# glibc has a lock of its own around loading and freeing a locale, which the sanitizer cannot see; nor, at times, who called whom there.
printf 'race:%s\n' freelocale _nl_unload_locale >"$work/known"
if TSAN_OPTIONS="suppressions=$work/known" $calm "$work/threads" >"$work/said" 2>&1; then
        echo "ok - $what"
else
        echo "not ok - $what"
        cat "$work/said"
        exit 1
fi
