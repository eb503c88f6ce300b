#!/usr/bin/env bash
# Measures against peers on this machine and prints the figures that RESULTS.md holds.
# PYTHON names a Python with torch, transformers, peft and tokenizers.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache
go run ./bench/gemm
go build -trimpath -o .cache/troika ./cmd/troika
go run ./bench/serve -troika .cache/troika -rounds "${1:-5}"
bench/train/run.sh "${1:-5}"
