"""Derives english.gz, the table of the English rules.

Ran with Python 3.11 and spacy 3.8.18 (MIT):

    pip install spacy==3.8.18
    python english.py

It holds, for each string that spaCy's English rules split in a way of its
own, the pieces; and the ranges of the characters in each class of its rules.
"""

import gzip
import re

import spacy
from spacy.lang import char_classes as cc


def write(name, data):
    with open(name, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(data)


def ranges(holds):
    out, start, last = [], None, None
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000 or not holds(chr(c)):
            continue
        if last is not None and c == last + 1:
            last = c
            continue
        if start is not None:
            out.append((start, last))
        start = last = c
    if start is not None:
        out.append((start, last))
    return ",".join(f"{a:x}-{b:x}" for a, b in out)


def english():
    nlp = spacy.blank("en")
    tok = nlp.tokenizer
    ORTH = 65
    lines = []
    for orth, pieces in sorted(tok.rules.items()):
        if orth.strip() != orth or not orth:
            continue  # white space is never a word
        lines.append("\t".join(["S", orth] + [p[ORTH] for p in pieces]))
    al, au, a = cc.ALPHA_LOWER, cc.ALPHA_UPPER, cc.ALPHA
    q, p = cc.CONCAT_QUOTES, cc.PUNCT
    classes = {
        "alpha": f"[{a}]",
        "lower": f"[{al}]",
        "upper": f"[{au}]",
        # may stand before a point between two parts, and after it
        "join": f"[{al}{q}]",
        "joined": f"[{au}{q}]",
        # may stand before a final point that is a word of its own
        "ends": f"[0-9{al}%²\\-\\+{p}(?:{q})]",
        "icon": f"[{cc.ICONS}]",
    }
    for name, cls in classes.items():
        rx = re.compile(cls)
        lines.append(f"C\t{name}\t" + ranges(lambda c: rx.fullmatch(c)))
    plain = lambda pieces: re.compile("|".join(p for p in pieces if p.strip() and len(p.replace("\\", "")) == 1 and p != "+"))
    prefix = plain(["§", "%", "=", "—", "–"] + cc.LIST_PUNCT + cc.LIST_QUOTES + cc.LIST_CURRENCY + ["…"])
    suffix = plain(cc.LIST_PUNCT + cc.LIST_QUOTES + ["—", "–", "…"])
    money = plain(cc.LIST_CURRENCY)
    icon = re.compile(classes["icon"])
    lines.append("C\tprefix\t" + ranges(lambda c: prefix.fullmatch(c) or icon.fullmatch(c)))
    lines.append("C\tsuffix\t" + ranges(lambda c: suffix.fullmatch(c) or icon.fullmatch(c)))
    lines.append("C\tmoney\t" + ranges(lambda c: money.fullmatch(c)))
    lines.append("\t".join(["U"] + sorted(set(cc.LIST_UNITS))))
    # the classes must say what the compiled rules say, character by character
    for c in map(chr, list(range(0x3000)) + list(range(0xFE00, 0x10000)) + list(range(0x1F000, 0x1FB00))):
        if c in "+":
            continue
        assert bool(prefix.fullmatch(c) or icon.fullmatch(c)) == bool(tok.prefix_search(c)), hex(ord(c))
        assert bool(suffix.fullmatch(c) or icon.fullmatch(c)) == bool(tok.suffix_search(c)), hex(ord(c))
    write("english.gz", "\n".join(lines).encode() + b"\n")


english()
