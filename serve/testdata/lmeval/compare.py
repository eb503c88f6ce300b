"""Runs lm-evaluation-harness on a server of ours and on transformers, and compares.

The harness asks /v1/completions as local-completions, for log-probabilities of prompts
of token ids (echo) and for text; its own backend hf computes the same from the weights.

Ran on: Python 3.11, lm_eval 0.4.13, transformers 5.23.0, torch 2.15.0.
Usage: python compare.py URL KEY MODEL FOLDER
       FOLDER has the weights and the tokenizer of MODEL.
"""

import os
import pathlib
import sys

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
url, os.environ["OPENAI_API_KEY"], model, folder = sys.argv[1:]

import lm_eval
import torch
import yaml

torch.set_num_threads(2)
here = pathlib.Path(__file__).parent.resolve()
questions = {"data_files": {"test": str(here / "questions.jsonl")}}
tasks = [
    {**yaml.safe_load((here / f"{name}.yaml").read_text()), "dataset_kwargs": questions}
    for name in ("choices", "text", "until")
]


def run(backend, **arguments):
    out = lm_eval.simple_evaluate(
        model=backend, model_args=arguments, tasks=[dict(t) for t in tasks], batch_size=4, log_samples=True, bootstrap_iters=0)
    return out["results"], out["samples"]


ours, asked = run("local-completions", base_url=url + "/v1/completions", model=model, tokenizer=folder,
                  tokenizer_backend="huggingface", max_length=1024, num_concurrent=4, max_retries=1)
theirs, computed = run("hf", pretrained=folder, dtype="float32", device="cpu", max_length=1024)

likelihoods, worst = 0, 0.0
assert len(asked) == 3, list(asked)
for task in asked:
    a, b = (sorted(s[task], key=lambda d: d["doc_id"]) for s in (asked, computed))
    assert len(a) == len(b) == 6, (task, len(a), len(b))
    for x, y in zip(a, b):
        for p, q in zip(x["resps"], y["resps"], strict=True):
            p, q = p[0], q[0]
            if isinstance(p, str):
                assert p == q, (task, p, q)
                continue
            (p, greedy), (q, also) = (p, q) if isinstance(p, (tuple, list)) else ((p, None), (q, None))
            p, q = float(p), float(q)
            assert abs(p - q) < 2e-3 * max(1, abs(q)), (task, x["doc_id"], p, q)
            assert greedy == also, (task, x["doc_id"], greedy, also)
            likelihoods, worst = likelihoods + 1, max(worst, abs(p - q))
assert likelihoods > 20, likelihoods
for task, metrics in theirs.items():
    for metric, value in metrics.items():
        if isinstance(value, float):
            assert abs(ours[task][metric] - value) <= 1e-3 * max(1, abs(value)), (task, metric, ours[task][metric], value)
print(f"lm_eval {lm_eval.__version__}: {likelihoods} log-likelihoods of {len(ours)} tasks agree with transformers within {worst:.2g}")
