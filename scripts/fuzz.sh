#!/usr/bin/env bash
# Runs every Fuzz target for a share of FUZZ_SECONDS (default 300). Building
# counts: what a package spends on its build, the targets after it share less.
# Every target gets at least one second. Fails if no target is found or one fails.
set -euo pipefail
cd "$(dirname "$0")/.."

budget=${FUZZ_SECONDS:-300}
work=.cache/fuzz
mkdir -p "$work"
export CGO_ENABLED=0

# "dir FuzzName" lines; nested modules and testdata are not ours to run.
targets=$(git ls-files --cached --others --exclude-standard -- '*_test.go' |
	grep -v '/testdata/' |
	xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*' |
	sed -E 's|^([^:]*/)?[^/:]*:func |\1 |; s|^ |./ |' |
	while read -r dir name; do
		d=${dir%/}
		while [ "$d" != . ] && [ -n "$d" ] && [ ! -f "$d/go.mod" ]; do d=$(dirname "$d"); done
		if [ "$d" = . ] || [ -z "$d" ]; then echo "${dir%/} $name"; fi
	done | sort -u)
count=$(grep -c . <<<"$targets" || true)
if [ "$count" -eq 0 ]; then
	echo "fuzz: no Fuzz target found" >&2
	exit 1
fi

# Go's fuzzer fails with "context deadline exceeded" and nothing else when its
# time runs out while it waits for a worker (golang.org/issue/48591). A finding
# (a failing input, a crash, a hang) always says more than that.
ran_out() {
	local failure
	failure=$(sed -n '/^--- FAIL/,$p' "$1")
	[ "$(wc -l <<<"$failure")" -eq 3 ] && grep -qx ' *context deadline exceeded' <<<"$failure"
}

started=$SECONDS
left=$count
built=
failed=0
while read -r dir name; do
	if [ "$built" != "$dir" ]; then
		bin="$PWD/$work/$(tr / _ <<<"$dir").test"
		go test -c -fuzz=. -o "$bin" "./$dir"
		built=$dir
	fi
	share=$(((budget - (SECONDS - started)) / left))
	if [ "$share" -lt 1 ]; then share=1; fi
	echo "fuzz: $dir $name for ${share}s"
	log="$work/log"
	if ! (cd "$dir" && "$bin" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="${share}s" \
		-test.fuzzcachedir="$OLDPWD/$work/corpus/$dir/$name") >"$log" 2>&1 && ! ran_out "$log"; then
		echo "fuzz: $dir $name FAILED:" >&2
		tail -n 40 "$log" >&2
		failed=$((failed + 1))
	fi
	left=$((left - 1))
done <<<"$targets"
echo "fuzz: $count targets in $((SECONDS - started))s, $failed failed"
[ "$failed" -eq 0 ]
