#!/usr/bin/env bash
# install-belenios-tool.sh DIR: puts Belenios' own program, belenios-tool 3.0 of Debian 13 ("trixie"), into a folder, with the libraries it
# needs. Nothing is installed and no system file changes, so it does on an older Debian too. DIR/belenios-tool starts it.
# The packages come from the mirror that this machine's apt has for Debian; apt checks their signatures as always.
set -euo pipefail

if [ "$#" -ne 1 ]; then
  echo 'usage: install-belenios-tool.sh DIR' >&2
  exit 2
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
tool=$target/belenios-tool
if [ -x "$tool" ] && "$tool" --version >/dev/null 2>&1; then exit 0; fi

suite=trixie
architecture=$(dpkg --print-architecture)

# Of all that apt knows of, the archive proper: security updates and other people's repositories have no such suite.
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$') || {
  echo 'apt has no source of Debian packages here' >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache/archives}/partial "$work/packages" "$work/etc"
printf 'deb [signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$suite" >"$work/etc/sources.list"
: >"$work/status"

# An apt of its own: it knows that suite only, and a machine on which nothing is installed yet.
options=(
  -o "Dir::Etc::SourceList=$work/etc/sources.list"
  -o "Dir::Etc::SourceParts=$work/etc/none"
  -o "Dir::State::Lists=$work/lists"
  -o "Dir::State::Status=$work/status"
  -o "Dir::Cache=$work/cache"
  -o "APT::Architecture=$architecture"
  # Root's apt would else fetch as a user who can't write here.
  -o "APT::Sandbox::User=$(id -un)"
)
apt-get -qq "${options[@]}" update

# The program and all that it depends on, directly or not; names in <> are of packages that nobody provides.
mapfile -t packages < <(
  apt-cache "${options[@]}" depends --recurse --no-recommends --no-suggests --no-enhances --no-conflicts --no-breaks --no-replaces belenios-tool |
    grep -E '^[a-z0-9]' | sed "s/:$architecture\$//" | sort -u
)
(cd "$work/packages" && apt-get -qq "${options[@]}" download "${packages[@]}")

rm -rf "$target/root"
mkdir -p "$target/root"
for package in "$work"/packages/*.deb; do dpkg --extract "$package" "$target/root"; done

# Programs for another libc have to be started by that libc's loader.
loader=$(find "$target/root" -name 'ld-linux*.so.*' -print -quit)
libraries=$(dirname "$(find "$target/root" -name 'libc.so.6' -print -quit)")
[ -n "$loader" ] && [ -x "$target/root/usr/bin/belenios-tool" ]

# 3.0 waits for its check of the ballots only with LWT_ASYNC_METHOD=none: else it says that all checks passed before that check has ended.
cat >"$tool" <<START
#!/bin/sh
LWT_ASYNC_METHOD=none BELENIOS_USE_URANDOM=1 exec "$loader" --library-path "$libraries" "$target/root/usr/bin/belenios-tool" "\$@"
START
chmod +x "$tool"
"$tool" --version >/dev/null
