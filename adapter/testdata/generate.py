"""Makes a LoRA adapter with the PEFT library and the logits it gives.

Run from the module's root:  python adapter/testdata/generate.py
Ran on: Python 3.11.7, torch 2.15.0 (CPU), transformers 5.23.0, peft 0.21.2.

The base is model/qwen3/testdata/tied. Two adapters: one on all linear layers,
one on queries and values with rank-stabilised scaling.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

BASE = "model/qwen3/testdata/tied"
CASES = {
    "all": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "qv": dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"], use_rslora=True),
}

for seed, (name, extra) in enumerate(CASES.items()):
    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **extra)).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_B" in key:
                p.copy_(torch.randn_like(p) * 0.2)
    out = pathlib.Path("adapter/testdata") / name
    model.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    config = json.loads((out / "adapter_config.json").read_text())
    config["target_modules"] = sorted(config["target_modules"])
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    ids = torch.randint(0, base.config.vocab_size, (1, 17))
    with torch.no_grad():
        logits = model(ids).logits[0]
    (out / "golden.json").write_text(json.dumps(dict(
        ids=ids[0].tolist(), logits=[[round(v, 6) for v in row] for row in logits.tolist()]),
        separators=(",", ":")) + "\n")
    print(out, sorted(p.name for p in out.iterdir()))
