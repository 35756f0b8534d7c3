# SPDX-License-Identifier: Apache-2.0
# clean-room.sh: fresh Debian systems, for debian/bundle and tests/package, which source it. They set $tree, $suite and $work
# (a folder of their own); what was last said inside a system is in $work/said. A folder MOHR_ROOTS/SUITE, if there is
# one, is copied instead of calling debootstrap.
# shellcheck shell=sh

commit=$(git -C "${tree:?}" rev-parse HEAD) # one tree, also where the next commit comes meanwhile

# inside ROOT COMMAND...: with its own processes and mounts, so that nothing outlives or escapes it.
# offline ROOT COMMAND...: and without a network.
inside() { into '' "$@"; }
offline() { into --net "$@"; }
into() {
        net=$1 root=$2
        shift 2
        # shellcheck disable=SC2016,SC2086 # expanded inside; one word or none
        unshare --mount --pid $net --fork --kill-child sh -c '
                root=$1; shift
                mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
                        mount -t tmpfs run "$root/run" && mount -t sysfs sys "$root/sys" 2>/dev/null
                exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
                        DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"' sh "$root" "$@" >"${work:?}/said" 2>&1
}

# Before minutes are spent: a container may make no mounts of its own, and a chroot only where its root is a mount point.
can_confine() {
        unshare --mount --pid --fork true 2>/dev/null && return
        echo 'This system cannot make mount namespaces. In a container: give it CAP_SYS_ADMIN. In a chroot: before entering it,' >&2
        echo 'on the system around it, mount --bind FOLDER FOLDER; then chroot FOLDER.' >&2
        return 1
}

clean_system() { # ROOT
        if [ -d "${MOHR_ROOTS:-/nonexistent}/${suite:?}" ]; then
                cp -a "$MOHR_ROOTS/$suite" "$1"
        else
                debootstrap --variant=minbase "$suite" "$1"
        fi >"$work/said" 2>&1
}

build_packages() { # ROOT: from the tree as committed into /src
        mkdir -p "$1/src/mohr"
        git -C "$tree" archive "$commit" | tar -x -C "$1/src/mohr"
        # shellcheck disable=SC2016 # expanded inside
        inside "$1" sh -ec 'apt-get update; apt-get install -y --no-install-recommends apt-utils dpkg-dev fakeroot
                cd /src/mohr && apt-get build-dep -y --no-install-recommends ./ && dpkg-buildpackage -us -uc -j"$(nproc)"'
}

# What a plain Debian may lack: the service for readers, one that asks for PINs on a terminal and one on a screen, p11-kit.
bundled='pcscd polkitd pinentry-curses pinentry-gnome3 p11-kit'

# fill_bundle BUILT CLEAN: /src/bundle in CLEAN becomes a folder with all packages, ours and those that a minimal
# system needs for them, and an index.
fill_bundle() {
        mkdir -p "$2/src/bundle/partial"
        cp "$1"/src/*.deb "$2/src/bundle/"
        rm -f "$2"/src/bundle/*-dbgsym_*
        cp "$tree/debian/bundle-install" "$2/src/bundle/install"
        cp "$tree/debian/bundle-README.txt" "$2/src/bundle/README.txt"
        cp "$1/src/mohr/debian/mohr.spdx.json" "$2/src/bundle/"
        # shellcheck disable=SC2016 # expanded inside
        inside "$2" sh -ec 'apt-get update; cd /src/bundle
                apt-get install -y --no-install-recommends --download-only -o APT::Sandbox::User=root \
                        -o Dir::Cache::archives=/src/bundle/ ./*.deb "$@"; rm -rf partial lock' sh $bundled || return
        mkdir "$1/src/bundle" && cp "$2"/src/bundle/* "$1/src/bundle/"
        inside "$1" sh -ec 'cd /src/bundle; dpkg-scanpackages --multiversion . >Packages 2>scanned || { cat scanned; exit 1; }
                rm scanned; gzip -9nk Packages
                apt-ftparchive -o APT::FTPArchive::Release::Label=Mohr release . >/src/Release; mv /src/Release Release
                sha256sum -- *.deb Packages* Release install README.txt mohr.spdx.json >SHA256SUMS' || return
        cp "$1"/src/bundle/* "$2/src/bundle/"
}
