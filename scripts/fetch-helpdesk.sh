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
# packages.sh says how packages are found. Needs dpkg-deb, or ar and tar with xz.
set -eu

dir=${1:?usage: fetch-helpdesk.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-$dir.cache}" && cd "${2:-$dir.cache}" && pwd)
version=4:7.4.7-1+deb12u14
most=120
. "$(dirname "$0")/packages.sh"

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
work=$(mktemp -d "$(cd "$(dirname "$dir")" && pwd)/.helpdesk.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

debian libreoffice-help-en-us "$version" 8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712 libr/libreoffice
debian libreoffice-help-zh-cn "$version" db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee libr/libreoffice
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
