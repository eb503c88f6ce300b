"""Compares what llama.cpp computes of our GGUF files with what their makers compute.

    python scripts/interop-gguf.py WORK MINILM

WORK is an empty folder, MINILM a folder of Sentence Transformers with a real encoder.
bin/troika is built. Ran on Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2
and the llama.cpp of llama-cpp-python 0.3.36.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import llama_cpp
import numpy as np
import torch
import transformers
from peft import LoraConfig, get_peft_model

ROOT = pathlib.Path(__file__).parent.parent
WORK, MINILM = map(pathlib.Path, sys.argv[1:3])
IDS = [1, 7, 300, 41, 5000, 77, 8, 8, 2900, 12]
TEXTS = ["The cat sits on the mat.", "Ein Hund läuft durch den Park.", "数据、算法、算力：三匹马拉一辆车。", "def add(a, b): return a + b",
         "Café NAÏVE résumé—2024! ½ #hashtag", "a", " ".join(["long"] * 150)]
# F32 throughout, the sums in other orders.
LOGITS = 1e-4
# It computes GELU by the tanh approximation, from a table of half precision.
COSINE = 0.9999

SMALL = dict(vocab_size=8192, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128)


def troika(*args, **kw):
    return subprocess.run([ROOT / "bin/troika", *map(str, args), "--home", WORK / "home"], check=True, capture_output=True, text=True, **kw).stdout


def ours(model):
    return np.array(json.loads(troika("logits", "--model", model, "--ids", ",".join(map(str, IDS)), "--all", "--json"))["logits"])


def theirs(path, lora=None):
    m = llama_cpp.Llama(str(path), lora_path=lora and str(lora), n_ctx=128, logits_all=True, verbose=False, type_k=0, type_v=0, n_threads=2)
    m.eval(IDS)
    return np.array(m.scores[:len(IDS)])


def compare(what, a, b, bound=LOGITS):
    worst = float(np.abs(np.asarray(a) - np.asarray(b)).max())
    print(f"    {what}: {worst:.1e}")
    if not worst <= bound:
        sys.exit(f"{what}: logits differ by {worst}, want at most {bound}")


def randomise(model):
    torch.manual_seed(1)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * 0.15 + (1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0))
    return model.eval()


def save(model, name):
    out = WORK / name
    model.save_pretrained(out)
    for f in "tokenizer.json", "tokenizer_config.json", "chat_template.jinja":
        shutil.copy(ROOT / "starter" / f, out)
    troika("convert", out, WORK / f"{name}.gguf")
    return out


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0].numpy()


def experts():
    config = transformers.Qwen3MoeConfig(**SMALL, head_dim=16, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=32,
                                         norm_topk_prob=True, tie_word_embeddings=False)
    model = randomise(transformers.Qwen3MoeForCausalLM(config))
    out = save(model, "moe")
    compare("mixture of experts, transformers and ours", logits(model), ours(out))
    compare("mixture of experts, ours in GGUF", ours(out), ours(WORK / "moe.gguf"), 0)
    compare("mixture of experts, llama.cpp", logits(model), theirs(WORK / "moe.gguf"))


def adapters():
    for kind, config in ("llama", transformers.LlamaConfig(**SMALL)), ("qwen3", transformers.Qwen3Config(**SMALL, head_dim=16)):
        model = randomise(transformers.AutoModelForCausalLM.from_config(config))
        out = save(model, kind)
        base = logits(model)
        compare(f"{kind}, llama.cpp", base, theirs(WORK / f"{kind}.gguf"))
        tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=12, use_rslora=True, target_modules="all-linear"))
        torch.manual_seed(2)
        with torch.no_grad():
            for name, p in tuned.named_parameters():
                if "lora_B" in name:
                    p.copy_(torch.randn_like(p) * 0.1)
        want = logits(tuned.eval())
        if np.abs(want - base).max() < 0.5:
            sys.exit("the adapter does nothing")
        folder, file, back = WORK / f"{kind}-lora", WORK / f"{kind}-lora.gguf", WORK / f"{kind}-back"
        tuned.save_pretrained(folder)
        text = (folder / "adapter_config.json").read_text()
        c = json.loads(text)
        c["base_model_name_or_path"] = str(out)
        (folder / "adapter_config.json").write_text(json.dumps(c))
        troika("convert", folder, file)
        compare(f"{kind} with an adapter, llama.cpp", want, theirs(WORK / f"{kind}.gguf", file))
        troika("convert", file, back)
        compare(f"{kind} with an adapter from GGUF, ours", want, ours(back))


def embed(model, key):
    p = subprocess.Popen([ROOT / "bin/troika", "serve", "--home", WORK / "home", "--model", model, "--listen", "127.0.0.1:0"],
                         stderr=subprocess.PIPE, text=True)
    try:
        url = next(m[1] for line in p.stderr if (m := re.match(r"serving .* on (\S+)", line)))
        head = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
        name = json.load(urllib.request.urlopen(urllib.request.Request(url + "/v1/models", headers=head)))["data"][0]["id"]
        body = json.dumps(dict(model=name, input=TEXTS)).encode()
        data = json.load(urllib.request.urlopen(urllib.request.Request(url + "/v1/embeddings", body, head)))["data"]
        return np.array([d["embedding"] for d in data], dtype=np.float32)
    finally:
        p.kill()
        p.wait()


def encoders():
    key = troika("keys", "create", "interop").split()[-1]
    roberta = WORK / "roberta"
    config = transformers.XLMRobertaConfig(vocab_size=600, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                                           max_position_embeddings=1026, type_vocab_size=1, pad_token_id=1)
    randomise(transformers.XLMRobertaModel(config)).save_pretrained(roberta)
    shutil.copy(ROOT / "tokenizer/testdata/xlmr.tokenizer.json", roberta / "tokenizer.json")
    (roberta / "tokenizer_config.json").write_text(json.dumps(dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")))
    for name, folder in ("minilm", MINILM), ("roberta", roberta):
        file = WORK / f"{name}.gguf"
        troika("convert", folder, file)
        a, b = embed(folder, key), embed(file, key)
        if not (a.view(np.int32) == b.view(np.int32)).all():
            sys.exit(f"{name}: the GGUF file embeds otherwise")
        m = llama_cpp.Llama(str(file), embedding=True, n_ctx=1024, n_batch=1024, n_ubatch=1024, verbose=False, n_threads=2)
        c = np.array([m.embed(t) for t in TEXTS], dtype=np.float32)
        cosine = (a * c).sum(1) / np.linalg.norm(c, axis=1)
        print(f"    {name}, llama.cpp: cosine at least {cosine.min():.7f}")
        if not cosine.min() >= COSINE:
            sys.exit(f"{name}: cosines with llama.cpp's embeddings {cosine}")


experts()
adapters()
encoders()
