#!/usr/bin/env bash
# Fails when a go.mod is not what `go mod tidy` writes, or when `go fix` would
# modernise the code. Every module in the repository is checked.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files --cached --others --exclude-standard -- go.mod '*/go.mod' | while read -r mod; do
	dir=$(dirname "$mod")
	echo "tidy: $dir"
	go -C "$dir" mod tidy -diff
	if [ -n "$(go -C "$dir" list ./... 2>/dev/null)" ] && ! go -C "$dir" fix -diff ./...; then
		echo "tidy: go fix would change $dir; run: go -C $dir fix ./..." >&2
		exit 1
	fi
done
