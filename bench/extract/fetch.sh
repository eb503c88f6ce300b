#!/bin/sh
# Fetches the openly licensed text that extraction and decoding are measured on,
# at pinned versions and checksums, without root; nothing of it is committed.
#
#   fetch.sh DIR [CACHE]
#
# writes DIR/PACKAGE with each Debian package's files, and downloads the module
# with the gold pages through the Go module proxy into Go's module cache.
set -eu

dir=${1:?usage: fetch.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-$dir.cache}" && cd "${2:-$dir.cache}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/packages.sh"

if [ -e "$dir" ] && [ ! -f "$dir/.extract" ]; then
	say "$dir is there and was not made by this script: name another folder"
	exit 1
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(cd "$(dirname "$dir")" && pwd)/.extract.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

office=4:7.4.7-1+deb12u14
debian libreoffice-help-zh-cn $office db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee libr/libreoffice
debian libreoffice-help-zh-tw $office f79cb2bee8d8d783efd825051a957b4c97a56dad5a05bde0ee90e66099331209 libr/libreoffice
debian libreoffice-help-ja $office 7799ace9bfe0845771ed2499913e7f7e521318cf3727c007672e3b020f8eb7b9 libr/libreoffice
debian libreoffice-help-ko $office 7ef2d854e9ed58e6bf861cfa9fa2579555233f9df874baf327fcb07ccd190669 libr/libreoffice
debian debian-reference-zh-cn 2.100 6d2d8d9a646397e28b04cdff23d2e4374101ebf9be348e35961af62c8a2d0977 d/debian-reference
debian debian-reference-zh-tw 2.100 d2785bbfcb9c3eb6343a37520df595a720bb30fa634d4cf0750d1c04a0226057 d/debian-reference
debian debian-faq-zh-cn 11.1 3545356b1aa04d87e91dd15e8406210cf5b4f476662e597897bcb42234591758 d/debian-faq
debian python3.11-doc 3.11.2-6+deb12u9 5b3594189d6ef9a6963ce0347fd307a1cc67620ad697e144db366070e2e146be p/python3.11
debian manpages-zh 1.6.4.0-1 81bae29495f6445db290e3f329f1203eb19b651c2a7ea165b74ebdc853a32ac1 m/manpages-zh
npm_package chinese-poetry 2.0.1 25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86

(cd "$here" && go mod download)

echo 1 >"$work/.extract"
rm -rf "$dir"
mv "$work" "$dir"
trap - EXIT
