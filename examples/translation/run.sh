#!/usr/bin/env bash
# Translation: English help texts into Chinese, from pages that are aligned by sentences.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

fetch
troika refine "$raw/pages" --recipe examples/translation/recipe.yaml --out "$data/aligned" --overwrite
prepare pairs -refined "$data/aligned"
tune --data "$data/train.jsonl" --rank 32 --alpha 64 --epochs 4 --lr 3e-3 --min-lr 1e-4
measure --translation zh --data
