#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# units.sh BUILD: the user units are clean by systemd's own reading, with mohrd where it was built.
set -u
here=$(dirname "$0")/../..
build=$(cd "${1:-$here/build}" && pwd) || exit 1
if ! command -v systemd-analyze >/dev/null; then
        echo "skip - the user units are clean: systemd-analyze is not installed"
        exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for unit in service socket; do
        sed "s|@LIBEXECDIR@|$build|g" "$here/udev/mohrd.$unit.in" >"$work/mohrd.$unit"
done
mkdir "$work/bin" && ln -s "$build/mohr" "$build/mohr-relay" "$work/bin/"
for unit in mohr-fetch mohr-relay; do
        sed "s|@PREFIX@|$work|g; s|@LIBEXECDIR@|$build|g" "$here/udev/$unit.service.in" >"$work/$unit.service"
done
cp "$here/udev/mohr-fetch.timer" "$work/"
said=$(XDG_RUNTIME_DIR=$work systemd-analyze --user --man=no verify "$work/mohrd.service" "$work/mohrd.socket" \
        "$work/mohr-fetch.service" "$work/mohr-fetch.timer" "$work/mohr-relay.service" 2>&1)
status=$?
if [ "$status" = 0 ] && [ -z "$said" ]; then
        echo "ok - the user units are clean"
else
        echo "not ok - the user units are clean"
        echo "    $said"
        exit 1
fi
