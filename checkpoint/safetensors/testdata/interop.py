"""Reads what our writer wrote with the reference library, and compares.

Ran on: Python 3.11, safetensors 0.8.0, torch 2.15.0.
Usage: go test -run TestInterop ./checkpoint/safetensors -interop DIR
       python interop.py DIR
"""

import json
import os
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

root = sys.argv[1]
with open(os.path.join(root, "expect.json")) as f:
    expect = json.load(f)

got = load_file(os.path.join(root, "model.safetensors"))
with safe_open(os.path.join(root, "model.safetensors"), "pt") as f:
    assert f.metadata() == expect["metadata"], f.metadata()

sharded = os.path.join(root, "sharded")
with open(os.path.join(sharded, "model.safetensors.index.json")) as f:
    index = json.load(f)
shards = {}
for name in sorted(set(index["weight_map"].values())):
    part = load_file(os.path.join(sharded, name))
    assert all(index["weight_map"][k] == name for k in part), name
    shards.update(part)

for tensors in (got, shards):
    assert sorted(tensors) == sorted(expect["tensors"])
    for name, want in expect["tensors"].items():
        t = tensors[name]
        assert list(t.shape) == want["shape"], name
        assert t.reshape(-1).view(torch.uint8).numpy().tobytes().hex() == want["hex"], name
print(f"{len(got)} tensors equal, in one file and in {len(set(index['weight_map'].values()))} shards")
