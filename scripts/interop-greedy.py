"""Compares the greedy tokens of real GGUF models with llama.cpp's, step by step.

    python scripts/interop-greedy.py TROIKA HOME MODEL.gguf...

Ran on Python 3.11 with the llama.cpp of llama-cpp-python 0.3.36. Each prompt is cut into
tokens by both, which must agree. llama.cpp then generates greedily; ours reads the prompt
and what llama.cpp generated, and says what it would have taken at each step. A step may
differ only where llama.cpp's own margin between the two tokens is below the largest
difference between the logits of both sides at that step: there rounding decides.
"""

import json
import subprocess
import sys

import llama_cpp
import numpy as np

TROIKA, HOME, *MODELS = sys.argv[1:]
STEPS = 64
PROMPTS = [
    "Three horses pull a sledge across the frozen river.",
    "A recipe for bread: first, mix the flour",
    "def fibonacci(n):\n    ",
    "The capital of France is Paris. The capital of Japan is",
    "数据、算法、算力如同三匹马，",
    "春天来了，公园里",
    "SELECT name, price FROM",
    "1, 2, 3, 5, 8,",
]


def troika(*args, text=None):
    out = subprocess.run([TROIKA, *args, "--home", HOME, "--json"], check=True, capture_output=True, text=True, input=text).stdout
    return json.loads(out)


def generate(model, ids):
    """Returns the tokens that llama.cpp takes, and the logits it took them by."""
    model.reset()
    model.eval(ids)
    rows, taken = [], []
    for step in range(STEPS):
        rows.append(np.array(model.scores[model.n_tokens - 1], dtype=np.float64))
        taken.append(int(rows[-1].argmax()))
        if step + 1 < STEPS:
            model.eval(taken[-1:])
    return taken, np.stack(rows)


for path in MODELS:
    model = llama_cpp.Llama(path, n_ctx=256, logits_all=True, verbose=False, n_threads=2)
    equal = near = 0
    worst = 0.0
    for prompt in PROMPTS:
        ids = troika("tokenize", "--model", path, text=prompt)["ids"]
        want = model.tokenize(prompt.encode())
        if ids != want:
            sys.exit(f"{path}: {prompt!r} is {ids}, llama.cpp has {want}")
        taken, theirs = generate(model, ids)
        fed = ",".join(map(str, ids + taken[:-1]))
        ours = np.array(troika("logits", "--model", path, "--ids", fed, "--all")["logits"][len(ids) - 1:])
        for step, token in enumerate(taken):
            choice = int(ours[step].argmax())
            difference = float(np.abs(ours[step] - theirs[step]).max())
            worst = max(worst, difference)
            if choice == token:
                equal += 1
                continue
            margin = float(theirs[step][token] - theirs[step][choice])
            if not margin < difference:
                sys.exit(f"{path}: {prompt!r}, step {step}: {choice} where llama.cpp takes {token} by {margin:.3f}; logits differ by {difference:.3f} at most")
            near += 1
    print(f"    {path.rsplit('/', 1)[-1]}: {equal} of {equal + near} tokens equal, {near} within rounding; logits differ by {worst:.3f} at most")
    if near > equal // 20:
        sys.exit(f"{path}: {near} steps differ")
