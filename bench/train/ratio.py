"""Reads lines "troika JSON" and "peer JSON" and prints medians and ratios."""

import json
import statistics
import sys

speed = {"troika": [], "peer": []}
rss = {"troika": 0, "peer": 0}
for line in sys.stdin:
    side, _, text = line.partition(" ")
    run = json.loads(text)
    speed[side] += [run["tokens"] / s for s in run["seconds"]]
    rss[side] = max(rss[side], run["peak_rss_bytes"])
ours, theirs = (statistics.median(speed[s]) for s in ("troika", "peer"))
print(f"tokens/s: troika {ours:.1f}, peer {theirs:.1f}, ratio {ours / theirs:.2f}")
print(f"peak RSS: troika {rss['troika'] / 1e6:.0f} MB, peer {rss['peer'] / 1e6:.0f} MB, ratio {rss['troika'] / rss['peer']:.2f}")
