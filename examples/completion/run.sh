#!/usr/bin/env bash
# Completion: go on with a text of a kind that the base has not read, songs of Yuan drama.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

fetch
prepare texts -songs "$raw/yuanqu.json"
tune --data "$data" --epochs 1 --lr 2e-3 --min-lr 1e-4
measure --text
