#!/usr/bin/env bash
# Runs both sides of bench/train in turn and prints medians and ratios.
# PYTHON names a Python with torch, transformers and peft (default python3).
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3}
go build -o .cache/bench-train ./bench/train
for _ in $(seq "$rounds"); do
	echo "troika $(.cache/bench-train -steps 3)"
	echo "peer $("${PYTHON:-python3}" bench/train/peer.py --steps 3 2>/dev/null)"
done | tee /dev/stderr | "${PYTHON:-python3}" bench/train/ratio.py
