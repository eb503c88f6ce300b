#!/usr/bin/env bash
# Preference: of two titles for a help page, its own and another's, prefer its own.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

fetch
prepare preferences -pages "$raw/pages"
tune --method dpo --data "$data/train.jsonl" --epochs 1 --lr 5e-4 --min-lr 1e-5
measure --data
