#!/bin/sh
# Fetches the raw data of the worked examples, from packages at pinned versions and
# checksums, without root.
#
#   fetch-examples.sh DIR [CACHE]
#
# writes
#
#   DIR/pages/LANG/PATH.html  LibreOffice's help in English and Chinese (MPL-2.0): the
#                             pages that all of its programs share. The helpdesk
#                             example has none of them.
#   DIR/yuanqu.json           songs of Yuan drama (public domain, collected under MIT).
#                             The starter model was trained on none of them.
#
# CACHE (DIR.cache by default) keeps the packages for the next time; packages.sh says
# how they are found. Needs dpkg-deb, or ar and tar with xz.
set -eu

dir=${1:?usage: fetch-examples.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-$dir.cache}" && cd "${2:-$dir.cache}" && pwd)
version=4:7.4.7-1+deb12u14
. "$(dirname "$0")/packages.sh"

if [ -e "$dir" ] && [ ! -f "$dir/.examples" ]; then
	say "$dir is there and was not made by this script: name another folder"
	exit 1
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(cd "$(dirname "$dir")" && pwd)/.examples.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

debian libreoffice-help-en-us "$version" 8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712 libr/libreoffice
debian libreoffice-help-zh-cn "$version" db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee libr/libreoffice
npm_package chinese-poetry 2.0.1 25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86

mkdir -p "$work/raw/pages"
for pair in en-us:en-US zh-cn:zh-CN; do
	lang=${pair#*:}
	cp -r "$work/libreoffice-help-${pair%:*}/usr/share/libreoffice/help/$lang/text/shared" "$work/raw/pages/$lang"
	say "$lang: $(find "$work/raw/pages/$lang" -name '*.html' | wc -l | tr -d ' ') pages"
done
cp "$work/chinese-poetry/dist/yuanqu/yuanqu.json" "$work/raw/"

echo "$version" >"$work/raw/.examples"
rm -rf "$dir"
mv "$work/raw" "$dir"
