#!/bin/sh
# Fetches the helpdesk example's raw documents: LibreOffice's help pages in
# English and Chinese (MPL-2.0), from Debian's packages, without root.
#
#   fetch-helpdesk.sh DIR [CACHE]
#
# writes DIR/LABEL/LANG/PATH.html for the labels writer, calc, impress, basic,
# base and math: at most 120 pages a label and language, spread evenly over the
# sorted paths, and the same paths in both languages. The folder reader takes
# equal paths below the language folders for translations of one page.
#
# CACHE (DIR.cache by default) keeps the packages for the next time.
# HELPDESK_MIRROR names another Debian mirror, such as a snapshot of one that
# still carries the pinned version. Needs dpkg-deb, or ar and tar with xz.
set -eu

dir=${1:?usage: fetch-helpdesk.sh DIR [CACHE]}
cache=${2:-$dir.cache}
mirror=${HELPDESK_MIRROR:?set HELPDESK_MIRROR to a Debian archive}
version=7.4.7-1+deb12u14
most=120

say() { printf 'fetch-helpdesk: %s\n' "$*" >&2; }

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

# unpack DEB FOLDER
unpack() {
	mkdir -p "$2"
	if command -v dpkg-deb >/dev/null; then
		dpkg-deb -x "$1" "$2"
	else
		ar p "$1" data.tar.xz | tar -xJf - -C "$2"
	fi
}

# package NAME SHA256: puts the pages into $work/NAME
package() {
	deb=$1_${version}_all.deb
	if [ ! -f "$cache/$deb" ] || [ "$(sha256 "$cache/$deb")" != "$2" ]; then
		url=$mirror/pool/main/libr/libreoffice/$deb
		say "downloading $url"
		if ! download "$url" "$work/$deb"; then
			say "cannot download the pinned version $version: no network, or it has left this mirror."
			say 'In the second case set HELPDESK_MIRROR to a mirror or snapshot that has it,'
			say 'or pin the current version and its checksums in scripts/fetch-helpdesk.sh.'
			exit 1
		fi
		sum=$(sha256 "$work/$deb")
		if [ "$sum" != "$2" ]; then
			say "checksum of $deb is $sum, want $2"
			exit 1
		fi
		mkdir -p "$cache"
		mv "$work/$deb" "$cache/$deb"
	fi
	unpack "$cache/$deb" "$work/$1"
}

# select_pages MODULE: prints the chosen paths of $en/MODULE that $zh has too
select_pages() {
	(cd "$en/$1" && find . -name '*.html' | LC_ALL=C sort) | while read -r page; do
		[ -f "$zh/$1/$page" ] && printf '%s\n' "${page#./}"
	done | awk -v most="$most" '
		{ page[n++] = $0 }
		END { for (i = 0; i < n && i < most; i++) print page[n <= most ? i : int(i * n / most)] }'
}

if [ -e "$dir" ] && [ ! -f "$dir/.helpdesk" ]; then
	say "$dir is there and was not made by this script: name another folder"
	exit 1
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(dirname "$dir")/.helpdesk.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

package libreoffice-help-en-us 8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712
package libreoffice-help-zh-cn db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee
en=$work/libreoffice-help-en-us/usr/share/libreoffice/help/en-US/text
zh=$work/libreoffice-help-zh-cn/usr/share/libreoffice/help/zh-CN/text

for pair in swriter:writer scalc:calc simpress:impress sbasic:basic sdatabase:base smath:math; do
	module=${pair%:*}
	label=${pair#*:}
	select_pages "$module" >"$work/list"
	while read -r page; do
		for lang in en-US zh-CN; do
			if [ $lang = en-US ]; then from=$en; else from=$zh; fi
			to=$work/pages/$label/$lang/$page
			mkdir -p "$(dirname "$to")"
			cp "$from/$module/$page" "$to"
		done
	done <"$work/list"
	say "$label: $(wc -l <"$work/list" | tr -d ' ') pages in each of 2 languages"
done

echo "$version" >"$work/pages/.helpdesk"
rm -rf "$dir"
mv "$work/pages" "$dir"
