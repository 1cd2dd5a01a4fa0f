#!/usr/bin/env bash
# Make FOLDER/qemu-aarch64 and FOLDER/root, a Python of Debian 12, and so of Raspberry Pi OS, for aarch64. They come
# as packages from the mirror that this machine's apt uses and are only unpacked: nothing is installed, no root needed.
set -euo pipefail
folder=$(realpath --canonicalize-missing "${1:?usage: tests/support/emulator.sh FOLDER}")
archives=$folder/archives

a_mirror="^'\K.*(?=/dists/[a-z]+/InRelease')"
if ! mirror=$(apt-get --print-uris update | grep --max-count 1 --only-matching --perl-regexp "$a_mirror"); then
    echo 'The emulator comes in Debian packages, and this machine knows no mirror of them' >&2
    exit 2
fi

# fetch SUITE ARCHITECTURE NAME... puts the packages, and what they depend on, into $archives.
fetch() {
    local suite=$1 architecture=$2 state=$folder/apt
    rm -rf "$state" "$archives"
    mkdir -p "$state/lists/partial" "$archives/partial"
    touch "$state/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
    local apt=(
        apt-get -qq -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists"
        -o Dir::Cache="$state" -o Dir::Cache::archives="$archives"
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=-
        -o APT::Architecture="$architecture" -o APT::Architectures="$architecture"
        -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Acquire::Languages=none
    )
    "${apt[@]}" update
    "${apt[@]}" --yes --download-only install "${@:3}"
}

echo 'Fetching an emulator and a Python for it (half a minute) ...'
rm -rf "$folder"
# Debian 12's own qemu-user, 7.2, crashes LiteRT; Debian 13's is linked statically and runs on either.
fetch trixie "$(dpkg --print-architecture)" qemu-user
dpkg-deb --fsys-tarfile "$archives"/qemu-user_*.deb |
    tar --extract --directory "$folder" --strip-components 3 ./usr/bin/qemu-aarch64
fetch bookworm arm64 python3 libstdc++6
for package in "$archives"/*.deb; do
    dpkg-deb --extract "$package" "$folder/root"
done
rm -rf "$folder/apt" "$archives"
