#!/bin/sh
# Fetches the openly licensed documents that the starter model is trained on, from
# packages at pinned versions and checksums, without root.
#
#   fetch-corpus.sh DIR [CACHE]
#
# writes DIR/PACKAGE with each package's files. cmd/starter/sources.go says which of
# them are read, and under which licences.
set -eu

dir=${1:?usage: fetch-corpus.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-$dir.cache}" && cd "${2:-$dir.cache}" && pwd)
. "$(dirname "$0")/packages.sh"

if [ -e "$dir" ] && [ ! -f "$dir/.corpus" ]; then
	say "$dir is there and was not made by this script: name another folder"
	exit 1
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(cd "$(dirname "$dir")" && pwd)/.corpus.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

office=4:7.4.7-1+deb12u14
debian libreoffice-help-en-us $office 8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712 libr/libreoffice
debian libreoffice-help-zh-cn $office db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee libr/libreoffice
debian debian-reference-en 2.100 9f31d3a17df505de09689ca255512ea58c1fc47c59bb1b0c7bf1c23362e9743f d/debian-reference
debian debian-reference-zh-cn 2.100 6d2d8d9a646397e28b04cdff23d2e4374101ebf9be348e35961af62c8a2d0977 d/debian-reference
debian python3.11-doc 3.11.2-6+deb12u9 5b3594189d6ef9a6963ce0347fd307a1cc67620ad697e144db366070e2e146be p/python3.11
npm_package chinese-poetry 2.0.1 25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86

echo 1 >"$work/.corpus"
rm -rf "$dir"
mv "$work" "$dir"
trap - EXIT
