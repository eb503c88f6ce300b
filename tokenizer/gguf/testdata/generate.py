"""Writes vocabs.json, the metadata of two tokenizers in GGUF, and golden.json: the ids of
texts by llama.cpp, for the second under each pre kind.

    PYTHONPATH=LLAMA_CPP/gguf-py python generate.py LLAMA_CPP BUILD

LLAMA_CPP is the source of llama.cpp, BUILD where llama-tokenize was built from it.
Ran on Python 3.11, sentencepiece 0.2.3, transformers 5.23.0 and the llama.cpp of
llama-cpp-python 0.3.36. Training is not deterministic between versions: ids and files
go together.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import sentencepiece

HERE = pathlib.Path(__file__).parent
TOKENIZERS = HERE.parent.parent / "testdata"
LLAMA, BUILD = map(pathlib.Path, sys.argv[1:3])

TEXTS = [
    "Hello world", " Hello  world ", "   three spaces", "tab\tand\nline\n\n\nlines \r\n end", "The horses don't agree; they've never AGREED, I'LL say.",
    "12 apples at $3.50, 1234567890 pears", "func add(a, b int) int {\n\treturn a + b // sum\n}", "三匹马拉一辆车：数据、算法、算力。",
    "价目表（12个苹果3.50元）", "Être ou ne pas être, naïve café", "Привет, мир! Γειά σου Κόσμε", "こんにちは世界、今日は", "안녕하세요 세계",
    "สวัสดีชาวโลก", "नमस्ते दुनिया", "👍🏽 😀🎉 👨‍👩‍👧 ❤️", "!!!???...---===", "a", " ", "  ", "\n", "x\u00a0y\u3000z", "mixedCASE HTTPServer iPhone",
    "<|im_start|>user\nHi<|im_end|>\n", "before<s>after</s> end", "under_score and-dash/slash\\back", "'s 't 're 'S", "٣٤٥ ½ ² ①", "…。，、 bloom",
]

PRES = ["llama-bpe", "smaug-bpe", "qwen2", "stablelm2", "qwen35", "gpt-2", "smollm", "command-r", "tekken", "gpt-4o", "deepseek-v3",
        "deepseek-coder", "falcon", "poro-chat", "viking", "default"]


def ids(path: pathlib.Path) -> list[list[int]]:
    out = []
    for text in TEXTS:
        run = subprocess.run([BUILD / "bin/llama-tokenize", "-m", path, "--stdin", "--ids", "--log-disable"],
                             input=text.encode(), capture_output=True, check=True)
        out.append(json.loads(run.stdout))
    return out


def head(w: gguf.GGUFWriter) -> None:
    w.add_block_count(1)
    w.add_context_length(64)
    w.add_embedding_length(8)
    w.add_feed_forward_length(8)
    w.add_head_count(1)
    w.add_layer_norm_rms_eps(1e-6)


def bpe(path: pathlib.Path, pre: str) -> None:
    d = json.loads((TOKENIZERS / "llama3.tokenizer.json").read_text())
    merges = [" ".join(m) for m in d["model"]["merges"]]
    names = {i: t for t, i in d["model"]["vocab"].items()}
    size = max(names) + 1
    added = ["<|begin_of_text|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    tokens = [names.get(i, f"[PAD{i}]") for i in range(size)] + added + ["<tool>"]
    types = [1 if i in names else 5 for i in range(size)] + [3] * len(added) + [4]
    w = gguf.GGUFWriter(str(path), "llama")
    head(w)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(merges)
    w.add_bos_token_id(size)
    w.add_eos_token_id(size + 2)
    w.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    finish(w)


def metadata(path: pathlib.Path) -> dict:
    fields = gguf.GGUFReader(path).fields
    return {k: f.contents() for k, f in fields.items() if k.startswith("tokenizer.")}


def finish(w: gguf.GGUFWriter) -> None:
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def spm(path: pathlib.Path, folder: pathlib.Path) -> None:
    lines = json.loads((TOKENIZERS / "lines.json").read_text())
    (folder / "lines.txt").write_text("\n".join(lines * 4))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "lines.txt"), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=760, byte_fallback=True,
        character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
        allow_whitespace_only_pieces=True, num_threads=1, minloglevel=2)
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        tokenizer_class="LlamaTokenizer", bos_token="<s>", eos_token="</s>", unk_token="<unk>", add_bos_token=True, add_eos_token=False)))
    (folder / "config.json").write_text(json.dumps(dict(
        architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=760, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=64, rms_norm_eps=1e-6)))
    subprocess.run([sys.executable, LLAMA / "convert_hf_to_gguf.py", "--vocab-only", "--outfile", path, folder], check=True)


def main() -> None:
    golden, vocabs = {"texts": TEXTS, "ids": {}}, {}
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        path = folder / "spm.gguf"
        spm(path, folder)
        golden["ids"]["spm"], vocabs["spm"] = ids(path), metadata(path)
        for pre in PRES:
            bpe(folder / "pre.gguf", pre)
            golden["ids"][pre] = ids(folder / "pre.gguf")
        vocabs["bpe"] = metadata(folder / "pre.gguf")
    for name, value in ("golden.json", golden), ("vocabs.json", vocabs):
        (HERE / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
