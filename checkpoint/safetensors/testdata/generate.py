"""Writes golden files with the reference library, for reader and writer tests.

Ran on: Python 3.11, safetensors 0.8.0, torch 2.15.0, numpy 2.4.6.
Usage: python generate.py DIR   (every file is a pure function of this script)
"""

import json
import os
import sys

import torch
from safetensors.torch import save_file

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))

DTYPES = {
    "bool": torch.bool, "u8": torch.uint8, "i8": torch.int8, "i16": torch.int16,
    "u16": torch.uint16, "i32": torch.int32, "u32": torch.uint32, "i64": torch.int64,
    "u64": torch.uint64, "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32,
    "f64": torch.float64, "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
}


def ramp(n, dtype):
    """0, 1, 2, ... in dtype; kept small so that every dtype holds it."""
    t = torch.arange(n, dtype=torch.int64) % 7
    return t.to(torch.float32).to(dtype) if dtype.is_floating_point else t.to(dtype)


tensors = {f"t.{k}": ramp(15, d).reshape(3, 5) for k, d in DTYPES.items()}
tensors["scalar"] = torch.tensor(2.5, dtype=torch.float32)
tensors["empty"] = torch.zeros((0, 4), dtype=torch.float32)
tensors["名前 \"quoted\" \\ \u0007"] = ramp(3, torch.float32)
save_file(tensors, os.path.join(out, "all.safetensors"), metadata={"format": "pt"})
save_file({}, os.path.join(out, "none.safetensors"))

model = {f"layer.{i}.weight": ramp(16, torch.float32).reshape(4, 4) + i for i in range(3)}
files = [f"model-{i + 1:05}-of-00003.safetensors" for i in range(3)]
shards = os.path.join(out, "sharded")
os.makedirs(shards, exist_ok=True)
for i, f in enumerate(files):
    name = f"layer.{i}.weight"
    save_file({name: model[name]}, os.path.join(shards, f), metadata={"format": "pt"})
index = {"metadata": {"total_size": 3 * 64}, "weight_map": {f"layer.{i}.weight": files[i] for i in range(3)}}
with open(os.path.join(shards, "model.safetensors.index.json"), "w") as f:
    json.dump(index, f, indent=2, sort_keys=True)
    f.write("\n")
