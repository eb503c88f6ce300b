#!/bin/sh
# Fetches the translated texts that the built-in language model is trained on, and
# those it is tested on, from Debian's packages at pinned versions and checksums,
# without root:
#
#   fetch.sh DIR [CACHE]
#   python sentences.py DIR OUT     writes OUT/train.tsv and OUT/test.tsv
#
# DIR gets a folder for each package with what is read of it; CACHE (DIR.cache by
# default) keeps the packages, some 300 MB, for the next time. The model needs:
#
#   go run text/lang/train.go OUT/train.tsv     in text/lang
#   go run ./bench/lang OUT/test.tsv
set -eu

dir=${1:?usage: fetch.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-$dir.cache}" && cd "${2:-$dir.cache}" && pwd)
. "$(dirname "$0")/../../scripts/packages.sh"

if [ -e "$dir" ] && [ ! -f "$dir/.languages" ]; then
	say "$dir is there and was not made by this script: name another folder"
	exit 1
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(cd "$(dirname "$dir")" && pwd)/.languages.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# What is trained on: messages of programs, one guide.
while read -r name version sum pool; do
	debian "$name" "$version" "$sum" "$pool"
	# the packages are mostly pictures and sounds
	find "$work/$name" -type f ! -name '*.mo' ! -name '*.page' -delete
done <<'END'
epiphany-browser-data 43.1-1 6577aed576ec670fa33ee70a4001d1200cf1cf80745bc58267aa273488cc24fd e/epiphany-browser
evolution-common 3.46.4-2+deb12u1 52e3a67ba3f2815fa864f600f5e3c2afd6ebc0b3487b50525df75006d4172b46 e/evolution
evolution-data-server-common 3.46.4-2+deb12u1 0cd32d4dec7d0b553d390fc68b62ab769fc5031da20d47d7a3b8bf8b9f29b28c e/evolution-data-server
gimp-data 2.10.34-1+deb12u10 89007a69d4ef2b0440e5419e75d4112cfd1c49e97db38220d210b9f86322be7c g/gimp
gnome-control-center-data 1:43.6-2~deb12u1 f76430c1f6db2be884bbc0e37cfa43752b49d252abb94d9cce494e8cdd8882a1 g/gnome-control-center
gnome-user-docs 43.0-2 0d635a840747958ca84da778b40d341f1155603851f922c9a171f5a181d6a39f g/gnome-user-docs
nautilus-data 43.2-1 2b0ba8ce95bbd9007ab4ff34070f67c2d41ca5c0b155bf8a12776f2ebb9b1481 n/nautilus
wesnoth-1.16-data 1:1.16.9-1 1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26 w/wesnoth-1.16
END

# What is tested on: LibreOffice's help, and manual pages of languages it lacks.
while read -r tag sum; do
	debian "libreoffice-help-$tag" 4:7.4.7-1+deb12u14 "$sum" libr/libreoffice
done <<'END'
ca 194dfad8a2f1bc76a442a568d3eee13add77338ff081e177f8df6eb95e336ace
cs 9fcbf9b3cbbc1370d827d5bc59df0227fa95bdf3b5628b907ef5fb4d8d55be6a
da 53313a9c7a4bb25ff3d648ab629f69144a65adc4f67ad38da6e55b05165618c8
de 00490b63c509ac96f7f212d6a6e40452d3e0d1f97ccf4b824dd5ec4c01e8277f
el ed4c905d0df5761be817f59381ce7c48fa50ec9cef5737c83e66aa7d3c898f79
en-us 8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712
es 9128a84d83d92c8b1c618d90469d16affddb7d1290b09d42a0c5109cb16f0480
et e52d7115195642283a14c052e610957cbed8435f06beb35139823722c8942839
eu e88eaa5da5d9254a7c9bc1a6ac89d04758380adc044f9a007f666de68ef9aa91
fi 47b0bf9820e7eef19de7d56400aae8139de26eca4f3d72f57d6769c751630f26
fr c796530d3e95af1ea4d054076682efc8aad2b569ae9513f3d4a776b2df3fd206
gl c1cf71cc98ed2c08060bfcf55cbc03d3d72e0fe7c3f5192b034c87cbf6b6e679
hi fda6f59354cb79f7ecfe379a502b009119a506aa0873416b044f1f39ad00a4cf
hu d4ae75812fdeb6f2b03fac6bc0f95d3f6824b75706930e806d41c751e68ffe27
id 5aa8c2894f8638fb2ec50cce72f81e9559f9baf45845c40b990b7f046e3f73d4
it 7fa29342a302bb495981fdabf98f3a9c3628123f3f191b2a5c95cb583c9ff212
ja 7799ace9bfe0845771ed2499913e7f7e521318cf3727c007672e3b020f8eb7b9
km 58700c6513c15d78e6dbbfda82b05f45fcb5a8acf0832f3dca50918d71e27f50
ko 7ef2d854e9ed58e6bf861cfa9fa2579555233f9df874baf327fcb07ccd190669
nl 8b4b49a7d1bd0df3aa4693eeebe3f6886655427eaf736d9289c5ff6fbf489591
pl 27441ce6d1303524b223aa94a17356bf7195f388d9b05a9e5e346866d7983694
pt 0130802d755de8666c663cc0745ba7a23d546d35a918f349a7a9adb78d16e7a4
ru 5a2f75d5b0dfcf660275070647af528a81be28b5d3e9c3ec2d419ef5518db7a2
sl 98c06e58e4cf90c5ccc98d5d7bb069edbbf64845dcdf485cce24a16598d40c90
sv 1b34145188f08aff7029fdc1ae378141494743d93cb09d9a3e782a229941ab66
tr 8fe832104805b66d2dc5c153564bcc55b5a084e10b3c3a3ea773c4b57659bfb8
vi fcc4f84cd28d094f8663d1b68b98a7d562f3c71c8beeb71401c4859f1027aaaf
zh-cn db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee
zh-tw f79cb2bee8d8d783efd825051a957b4c97a56dad5a05bde0ee90e66099331209
END
while read -r tag sum; do
	debian "manpages-$tag" 4.18.1-1 "$sum" m/manpages-l10n
done <<'END'
nb 62f43554a179199b9cb95ecdf390f81e2eb779ff3f535c6b944ce0a647f15bb3
ro 1d1d32dbc090850c1e796fd51156ae3852e1cc46a22d712493800182817f6024
sr ea78e33605970a23b9d77a48249fb2d2e94372b0ff3e9b360c8e4f02d3d3dda0
uk 7ad64b12010584a6cc10a341ba561a6774e8493166524f386bcd9fd7cbebdd5b
END

echo 1 >"$work/.languages"
rm -rf "$dir"
mv "$work" "$dir"
trap - EXIT
