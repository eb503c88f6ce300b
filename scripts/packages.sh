# Shell functions to fetch pinned packages without root. Sourced by the scripts
# beside it, which set $cache (a folder that keeps packages for the next time) and
# $work (a scratch folder).
#
# Debian's packages come through apt-get, as the machine has it set up, with lists
# of its own below $cache; where there is no apt-get, or its archive no longer has
# the pinned version, DEBIAN_MIRROR names an archive or snapshot to download from.
# npm's packages come through npm; where there is none, NPM_REGISTRY names a registry
# to download from.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

sha256() {
	if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

# download URL FILE
download() {
	if command -v curl >/dev/null; then
		curl -fsSL --retry 3 -o "$2" "$1"
	elif command -v wget >/dev/null; then
		wget -q -O "$2" "$1"
	else
		say 'needs curl or wget'
		return 1
	fi
}

# apt ARGUMENT...: apt-get with lists that an ordinary user can write.
apt() {
	apt-get -qq -o Dir::State::Lists="$cache/lists" -o Dir::Cache="$cache/apt" -o Debug::NoLocking=1 "$@"
}

# fetch_deb NAME VERSION POOL FILE: puts the package into FILE. POOL is its folder
# below pool/main of an archive.
fetch_deb() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		download "$DEBIAN_MIRROR/pool/main/$3/$1_${2#*:}_all.deb" "$4"
		return
	fi
	if ! command -v apt-get >/dev/null; then
		say 'needs apt-get, or DEBIAN_MIRROR with the address of a Debian archive'
		return 1
	fi
	if [ ! -d "$cache/lists/partial" ]; then
		mkdir -p "$cache/lists/partial" "$cache/apt/archives/partial"
		apt update || return 1
	fi
	(cd "$work" && apt download "$1=$2" 2>/dev/null) || return 1
	mv "$work/$1"_*_all.deb "$4"
}

# debian NAME VERSION SHA256 POOL: unpacks the package into $work/NAME.
debian() {
	deb=$cache/$1_${2#*:}_all.deb
	mkdir -p "$cache"
	if [ ! -f "$deb" ] || [ "$(sha256 "$deb")" != "$3" ]; then
		say "fetching $1 $2"
		if ! fetch_deb "$1" "$2" "$4" "$work/$1.deb"; then
			say "cannot fetch $1 $2: no network, or the pinned version has left the archive."
			say 'In the second case set DEBIAN_MIRROR to a snapshot that has it, or pin the'
			say 'current version and its checksum in this script.'
			exit 1
		fi
		sum=$(sha256 "$work/$1.deb")
		if [ "$sum" != "$3" ]; then
			say "checksum of $1 $2 is $sum, want $3"
			exit 1
		fi
		mv "$work/$1.deb" "$deb"
	fi
	mkdir -p "$work/$1"
	if command -v dpkg-deb >/dev/null; then
		dpkg-deb -x "$deb" "$work/$1"
	else
		ar p "$deb" data.tar.xz | tar -xJf - -C "$work/$1"
	fi
}

# fetch_npm NAME VERSION FILE: puts the package into FILE of $work, as npm names it.
fetch_npm() {
	if [ -n "${NPM_REGISTRY:-}" ]; then
		download "${NPM_REGISTRY%/}/$1/-/${1##*/}-$2.tgz" "$work/$3"
		return
	fi
	if ! command -v npm >/dev/null; then
		say 'needs npm, or NPM_REGISTRY with the address of an npm registry'
		return 1
	fi
	(cd "$work" && npm pack --silent "$1@$2" >/dev/null)
}

# npm_package NAME VERSION SHA256: unpacks an npm package into $work/NAME.
npm_package() {
	file=$(printf '%s' "$1" | sed 's/^@//; s|/|-|')-$2.tgz # as npm names it
	tgz=$cache/$file
	mkdir -p "$cache"
	if [ ! -f "$tgz" ] || [ "$(sha256 "$tgz")" != "$3" ]; then
		say "fetching $1 $2"
		if ! fetch_npm "$1" "$2" "$file"; then
			say "cannot fetch $1 $2: no npm, or no network"
			exit 1
		fi
		sum=$(sha256 "$work/$file")
		if [ "$sum" != "$3" ]; then
			say "checksum of $1 $2 is $sum, want $3"
			exit 1
		fi
		mv "$work/$file" "$tgz"
	fi
	mkdir -p "$work/$1"
	tar -xzf "$tgz" -C "$work/$1" --strip-components 1
}
