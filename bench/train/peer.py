"""The training step of bench/train with PyTorch, transformers and PEFT.

    python bench/train/peer.py --steps 5 --threads 2

Prints the same JSON as the Go side. Attention is sdpa, the fastest on this CPU;
weights and arithmetic are F32.
"""

import argparse
import json
import resource
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Qwen2Config

p = argparse.ArgumentParser()
p.add_argument("--steps", type=int, default=5)
p.add_argument("--threads", type=int, default=2)
a = p.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
cfg = Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                  num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768,
                  rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True)
cfg._attn_implementation = "sdpa"
model = AutoModelForCausalLM.from_config(cfg, dtype=torch.float32)
model.config.use_cache = False
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
model.train()
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
ids = (torch.arange(513) * 7919 % 151936)[None]
inputs, labels = ids[:, :-1], ids[:, 1:]
seconds = []
for _ in range(a.steps + 1):
    t = time.perf_counter()
    logits = model(input_ids=inputs).logits
    loss = torch.nn.functional.cross_entropy(logits[0], labels[0])
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    opt.step()
    opt.zero_grad(set_to_none=True)
    seconds.append(time.perf_counter() - t)
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds[1:], "tokens": 512, "peak_rss_bytes": rss, "threads": a.threads}))
