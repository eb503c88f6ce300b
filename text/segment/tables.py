"""Derives the tables that package segment embeds.

Ran with Python 3.11, jieba 0.42.1 (MIT), spacy 3.8.18 (MIT):

    pip install jieba==0.42.1 spacy==3.8.18
    python tables.py

english.gz: for each string that spaCy's English rules split in a way of its
own, the pieces; and the ranges of the characters in each class of its rules.

chinese.gz: the words that can stand on a best path of jieba's graph, each with
the place of its weight (log frequency less log total, as jieba computes it in
double precision) among the distinct weights. A word is left out where its best
split into other words weighs more: no best path can use it.
"""

import gzip
import math
import re
import struct

import jieba
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


def chinese():
    jieba.initialize()
    dt = jieba.dt
    freq, logtotal = dt.FREQ, math.log(dt.total)
    weight = lambda w: math.log(freq.get(w) or 1) - logtotal

    def split(word):
        """The weight of the best path through word that is not word itself."""
        n = len(word)
        route = [0.0] * (n + 1)
        for i in range(n - 1, -1, -1):
            ends = [j for j in range(i + 1, min(n, i + n - 1) + 1) if freq.get(word[i:j])] or [i + 1]
            route[i] = max(weight(word[i:j]) + route[j] for j in ends)
        return route[0]

    kept = []
    total = 0
    for word, f in freq.items():
        if not f:
            continue
        total += 1
        # A character that is no word may only stand alone where no word begins
        # with it, so words that begin with one always stay. Sums of
        # logarithms round off by far less than 1e-9.
        if len(word) == 1 or not freq.get(word[0]) or split(word) <= weight(word) + 1e-9:
            kept.append(word)
    kept.sort(key=lambda w: w.encode())
    weights = sorted({weight(w) for w in kept} | {weight("\0")}, reverse=True)
    place = {w: i for i, w in enumerate(weights)}
    out = bytearray(struct.pack("<III", len(weights), len(kept), place[weight("\0")]))
    for w in weights:
        out += struct.pack("<d", w)
    # in columns, which packs tighter: shared beginnings, lengths, ends, places
    shared, sizes, ends, places = bytearray(), bytearray(), bytearray(), bytearray()
    last = b""
    for word in kept:
        b = word.encode()
        n = 0
        while n < min(len(b), len(last)) and b[n] == last[n]:
            n += 1
        shared.append(n)
        sizes.append(len(b) - n)
        ends += b[n:]
        places += struct.pack("<H", place[weight(word)])
        last = b
    write("chinese.gz", bytes(out + shared + sizes + places + ends))
    print(f"chinese: {len(kept)} of {total} words, {len(weights)} weights")


english()
chinese()
