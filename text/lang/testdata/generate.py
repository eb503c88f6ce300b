"""Trains tiny fastText models and writes down what fastText predicts with them.

    python generate.py

Run with Debian's fasttext 0.9.2 in PATH. Sentences are our own. Makes tiny.bin
(hierarchical softmax, sub-words, word pairs), tiny.ftz (softmax, quantised) and
predictions.jsonl: {"model", "text", "labels", "scores"}.
"""
import json, pathlib, random, subprocess, tempfile

here = pathlib.Path(__file__).parent
rng = random.Random(5)
WORDS = {
    "eng_Latn": "the horse pulls a heavy cart along the old road while it rains and nobody waits for the train".split(),
    "deu_Latn": "das pferd zieht einen schweren wagen auf der alten straße während es regnet und niemand wartet".split(),
    "fra_Latn": "le cheval tire une lourde charrette sur la vieille route pendant la pluie et personne attend".split(),
    "zho_Hans": "马 拉 着 一 辆 重 车 走 在 旧 路 上 外 面 下 着 雨 没 有 人 等 火 车".split(),
}


def sentence(lang):
    return " ".join(rng.choices(WORDS[lang], k=rng.randint(3, 9)))


with tempfile.TemporaryDirectory() as work:
    train = pathlib.Path(work, "train.txt")
    train.write_text("".join(f"__label__{l} {sentence(l)}\n" for _ in range(60) for l in WORDS))
    common = ["-input", str(train), "-thread", "1", "-seed", "1", "-verbose", "0", "-epoch", "30"]
    run = lambda *a: subprocess.run(["fasttext", *a], check=True, capture_output=True, text=True).stdout
    run("supervised", *common, "-output", f"{work}/tiny", "-dim", "4", "-bucket", "80", "-minn", "2", "-maxn", "3", "-wordNgrams", "2", "-loss", "hs")
    (here / "tiny.bin").write_bytes(pathlib.Path(work, "tiny.bin").read_bytes())
    run("supervised", *common, "-output", f"{work}/soft", "-dim", "4", "-bucket", "300", "-minn", "2", "-maxn", "3", "-loss", "softmax")
    run("quantize", "-input", str(train), "-output", f"{work}/soft", "-qnorm", "-cutoff", "260", "-dsub", "2", "-verbose", "0", "-thread", "1")
    (here / "tiny.ftz").write_bytes(pathlib.Path(work, "soft.ftz").read_bytes())
    texts = [sentence(l) for _ in range(8) for l in WORDS] + ["horse wagen route", "完全 不 同 的 words", "zzz qqq", "Pferd", "the", "?!"]
    lines = pathlib.Path(work, "texts.txt")
    lines.write_text("".join(t + "\n" for t in texts))
    with open(here / "predictions.jsonl", "w") as out:
        for model in ("tiny.bin", "tiny.ftz"):
            for text, got in zip(texts, run("predict-prob", str(here / model), str(lines), "4").splitlines()):
                parts = got.split()
                out.write(json.dumps({"model": model, "text": text, "labels": [p.removeprefix("__label__") for p in parts[::2]], "scores": [float(p) for p in parts[1::2]]}, ensure_ascii=False) + "\n")
