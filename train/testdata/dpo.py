"""Golden values of direct preference optimisation, by PyTorch's autograd and PEFT's adapters.

Run from the module's root:  python train/testdata/dpo.py > train/testdata/dpo.json
Ran on: Python 3.11.7, torch 2.15.0 (CPU), transformers 5.23.0, peft 0.21.2.

The policy is model/qwen3/testdata/tied with adapter/testdata/all, the reference the base
alone; pairs of token sequences are random. Five steps of AdamW over all pairs.
"""

import json

import torch
from peft import PeftModel
from torch.nn.functional import log_softmax, logsigmoid
from transformers import AutoModelForCausalLM

BETA, LR, STEPS = 0.25, 3e-3, 5
torch.manual_seed(3)
base = AutoModelForCausalLM.from_pretrained("model/qwen3/testdata/tied", dtype=torch.float32, attn_implementation="eager")
model = PeftModel.from_pretrained(base, "adapter/testdata/all", is_trainable=True)
vocab = base.config.vocab_size

pairs = []
for prompt, better, worse in [(5, 3, 4), (2, 1, 1), (9, 6, 2), (4, 2, 7)]:
    ids = lambda n: torch.randint(0, vocab, (n,)).tolist()
    p = ids(prompt)
    pairs.append({"prompt": p, "better": ids(better), "worse": ids(worse)})


def log_prob(prompt, answer):
    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1:-1]
    return log_softmax(logits, -1).gather(1, torch.tensor(answer)[:, None]).sum()


def margins():
    return torch.stack([log_prob(p["prompt"], p["better"]) - log_prob(p["prompt"], p["worse"]) for p in pairs])


with torch.no_grad(), model.disable_adapter():
    reference = margins()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=LR, weight_decay=0)
losses, norms = [], []
for _ in range(STEPS):
    optimizer.zero_grad()
    loss = -logsigmoid(BETA * (margins() - reference)).mean()
    loss.backward()
    norms.append(torch.nn.utils.get_total_norm(p.grad for p in model.parameters() if p.grad is not None).item())
    optimizer.step()
    losses.append(loss.item())
with torch.no_grad():
    final = margins()
print(json.dumps(dict(beta=BETA, lr=LR, pairs=pairs, reference=reference.tolist(), losses=losses, norms=norms,
                      margins=final.tolist()), separators=(",", ":")))
