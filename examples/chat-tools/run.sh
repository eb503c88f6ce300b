#!/usr/bin/env bash
# Chat with tools: which function of a catalogue answers a question, with what arguments?
set -euo pipefail
. "$(dirname "$0")/../common.sh"

prepare tools -goroot "$(go env GOROOT)"
tune --data "$data/train.jsonl" --epochs 1 --lr 2e-3 --min-lr 1e-4
measure --data
