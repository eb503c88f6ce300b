"""Exchanges adapters with the PEFT library, in both directions.

Ran on: Python 3.11, torch 2.15.0 (CPU), transformers 5.23.0, peft 0.21.2.
Usage, from the module's root:
       python adapter/testdata/interop.py make DIR
       go test -run TestInterop ./adapter -interop DIR
       python adapter/testdata/interop.py check DIR

make lets PEFT make adapters of several kinds for the tiny checkpoint of every
architecture and for the starter; the Go test opens them and adds adapters of
ours; check opens those. Logits must agree within 1e-4.
"""

import json
import pathlib
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from transformers import AutoModelForCausalLM

KINDS = {
    "all": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "rslora": dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"], use_rslora=True),
    "layer": dict(r=2, lora_alpha=2, lora_dropout=0.2, target_modules=["o_proj", "up_proj"], layers_to_transform=[1]),
    "regex": dict(r=6, lora_alpha=3, target_modules=r".*\.mlp\.(gate|down)_proj"),
}
BOUND = 1e-4


def load(base):
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def make(root):
    tiny = sorted(c.parent for c in pathlib.Path("model").glob("*/testdata/*/config.json"))
    for base in [*tiny, pathlib.Path("starter")]:
        for seed, (kind, extra) in enumerate(KINDS.items()):
            torch.manual_seed(seed)
            model = get_peft_model(load(base.as_posix()), LoraConfig(task_type="CAUSAL_LM", **extra)).eval()
            with torch.no_grad():
                for key, p in model.named_parameters():
                    if "lora_B" in key:
                        p.copy_(torch.randn_like(p) * 0.2)
            out = root / "peft" / f"{base.as_posix().replace('/', '-')}-{kind}"
            model.save_pretrained(out)
            ids = torch.randint(0, model.config.vocab_size, (33,)).tolist()
            (out / "golden.json").write_text(json.dumps({"ids": ids, "logits": logits(model, ids).tolist()}))
    print(f"PEFT made {len(list((root / 'peft').iterdir()))} adapters")


def check(root):
    dirs = sorted((root / "ours").iterdir())
    worst = 0.0
    for out in dirs:
        base = json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"]
        model = PeftModel.from_pretrained(load(base), out).eval()
        # PEFT only warns of tensors it has no place for: count them ourselves.
        used = sum("lora_" in key for key in model.state_dict())
        with safe_open(out / "adapter_model.safetensors", "pt") as f:
            assert len(list(f.keys())) == used, (out, used)
        golden = json.loads((out / "golden.json").read_text())
        want = torch.tensor(golden["logits"])
        plain = (logits(load(base), golden["ids"]) - want).abs().max().item()
        error = (logits(model, golden["ids"]) - want).abs().max().item()
        assert plain > 100 * BOUND, f"{out}: the adapter changes nothing"
        assert error <= BOUND, f"{out}: logits differ by {error}"
        worst = max(worst, error)
    print(f"PEFT opened {len(dirs)} adapters, logits within {worst:.1e}")


if __name__ == "__main__":
    command, root = sys.argv[1:]
    {"make": make, "check": check}[command](pathlib.Path(root))
