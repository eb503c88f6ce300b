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
done | tee /dev/stderr | "${PYTHON:-python3}" -c '
import json, statistics, sys
runs = {"troika": [], "peer": []}
rss = {"troika": 0, "peer": 0}
for line in sys.stdin:
    side, _, text = line.partition(" ")
    r = json.loads(text)
    runs[side] += [r["tokens"] / s for s in r["seconds"]]
    rss[side] = max(rss[side], r["peak_rss_bytes"])
speed = {k: statistics.median(v) for k, v in runs.items()}
print(f"tokens/s: troika {speed[\"troika\"]:.1f}, peer {speed[\"peer\"]:.1f}, ratio {speed[\"troika\"]/speed[\"peer\"]:.2f}")
print(f"peak RSS: troika {rss[\"troika\"]/1e6:.0f} MB, peer {rss[\"peer\"]/1e6:.0f} MB, ratio {rss[\"troika\"]/rss[\"peer\"]:.2f}")
'
