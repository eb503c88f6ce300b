"""Makes the tiny random checkpoints and golden logits of the architectures.

Run from the module's root:  python model/testdata/generate.py [package...]
Ran on: Python 3.11.7, torch 2.15.0 (CPU), transformers 5.23.0, safetensors 0.8.0.

Each case becomes model/<package>/testdata/<case>/ with config.json,
model.safetensors and golden.json: token ids of two sequences and the logits of
some positions, or an encoder's hidden states there, computed in float32 with eager
attention.
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM

SMALL = dict(vocab_size=89, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128)

CASES = [
    ("qwen3", "tied", "Qwen3Config", dict(head_dim=12, tie_word_embeddings=True, rope_theta=1000000.0), "float32"),
    ("qwen3", "bf16", "Qwen3Config", dict(head_dim=16, tie_word_embeddings=False), "bfloat16"),
    ("qwen2", "untied", "Qwen2Config", dict(tie_word_embeddings=False, rope_theta=1000000.0), "float32"),
    ("qwen2", "yarn", "Qwen2Config", dict(
        tie_word_embeddings=True,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)), "float16"),
    ("qwen2", "window", "Qwen2Config", dict(use_sliding_window=True, sliding_window=7, max_window_layers=1), "float32"),
    ("llama", "llama2", "LlamaConfig", dict(num_key_value_heads=4, tie_word_embeddings=False, rms_norm_eps=1e-5), "float32"),
    ("llama", "llama3", "LlamaConfig", dict(
        rope_theta=500000.0, tie_word_embeddings=True,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=64)), "float32"),
    ("llama", "linear", "LlamaConfig", dict(
        attention_bias=True, mlp_bias=True, rope_scaling=dict(rope_type="linear", factor=2.0)), "float32"),
    ("llama", "mistral", "MistralConfig", dict(head_dim=8, sliding_window=5, tie_word_embeddings=False), "float32"),
    ("gemma3", "scaled", "Gemma3TextConfig", dict(
        hidden_size=28, intermediate_size=40, num_hidden_layers=3, head_dim=12, query_pre_attn_scalar=20,
        sliding_window=6, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0),
                             sliding_attention=dict(rope_type="default", rope_theta=10000.0))), "float32"),
    ("gemma3", "bf16", "Gemma3TextConfig", dict(
        num_hidden_layers=6, intermediate_size=32, head_dim=16, query_pre_attn_scalar=16, sliding_window=9), "bfloat16"),
    ("qwen3moe", "normalized", "Qwen3MoeConfig", dict(
        head_dim=8, num_experts=7, num_experts_per_tok=3, moe_intermediate_size=24, norm_topk_prob=True,
        tie_word_embeddings=False, rope_theta=1000000.0), "float32"),
    ("qwen3moe", "mixed", "Qwen3MoeConfig", dict(
        head_dim=8, num_hidden_layers=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
        decoder_sparse_step=2, mlp_only_layers=[1], tie_word_embeddings=True), "bfloat16"),
]

# Encoders, whose hidden states are golden.
ENCODERS = [
    ("bert", "f32", "BertConfig", dict(), "float32"),
    ("bert", "bf16", "BertConfig", dict(hidden_act="gelu_new", type_vocab_size=1, layer_norm_eps=1e-5), "bfloat16"),
    ("xlmroberta", "f32", "XLMRobertaConfig", dict(max_position_embeddings=74, type_vocab_size=1, layer_norm_eps=1e-5), "float32"),
]


def encoder(package, name, config, extra, dtype, seed):
    torch.manual_seed(seed)
    small = {k: v for k, v in SMALL.items() if k != "num_key_value_heads"}
    cfg = getattr(transformers, config)(**{**small, **extra})
    model = AutoModel.from_config(cfg).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * 0.3 + (1.0 if "LayerNorm.weight" in key else 0.0))
    model = model.to(getattr(torch, dtype))
    out = pathlib.Path("model") / package / "testdata" / name
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    model = AutoModel.from_pretrained(out, dtype=torch.float32, attn_implementation="eager").eval()
    runs = []
    for n in (1, 23, 70):
        ids = torch.randint(2, cfg.vocab_size, (1, n))  # without the padding token
        with torch.no_grad():
            hidden = model(ids).last_hidden_state[0]
        keep = sorted({0, n // 2, n - 1})
        runs.append(dict(ids=ids[0].tolist(), rows=keep,
                         hidden=[[round(v, 6) for v in hidden[i].tolist()] for i in keep]))
    (out / "golden.json").write_text(json.dumps(runs, separators=(",", ":")) + "\n")
    print(f"{out}: {sum(f.stat().st_size for f in out.iterdir())} bytes")


def case(package, name, config, extra, dtype, seed):
    torch.manual_seed(seed)
    cfg = getattr(transformers, config)(**{**SMALL, **extra})
    cfg._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(cfg).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            # Larger than the usual initialisation, so that every part shows in the logits.
            # Gemma adds one to the scales of norms, the others start from one.
            p.copy_(torch.randn_like(p) * 0.3 + (1.0 if "norm" in key and package != "gemma3" else 0.0))
    model = model.to(getattr(torch, dtype))
    out = pathlib.Path("model") / package / "testdata" / name
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    # Loaded afresh: casting a live model would round its RoPE buffers as well.
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, attn_implementation="eager").eval()
    runs = []
    for n in (23, 70):
        ids = torch.randint(0, cfg.vocab_size, (1, n))
        with torch.no_grad():
            logits = model(ids).logits[0]
        keep = sorted({0, 1, 6, 7, 8, n // 2, n - 2, n - 1})
        runs.append(dict(ids=ids[0].tolist(), rows=keep,
                         logits=[[round(v, 6) for v in logits[i].tolist()] for i in keep]))
    (out / "golden.json").write_text(json.dumps(runs, separators=(",", ":")) + "\n")
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size} bytes, logits up to {max(abs(v) for r in runs for row in r['logits'] for v in row):.2f}")


if __name__ == "__main__":
    for i, c in enumerate(CASES):
        if c[0] in (sys.argv[1:] or [c[0]]):
            case(*c, seed=i)
    for i, c in enumerate(ENCODERS):
        if c[0] in (sys.argv[1:] or [c[0]]):
            encoder(*c, seed=i)
