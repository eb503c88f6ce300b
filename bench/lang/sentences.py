"""Writes train.tsv and test.tsv, a language and a sentence a line, from packages.

    python sentences.py FOLDER-OF-UNPACKED-PACKAGES OUT

Training text is the translated messages of GNOME programs, GIMP and Wesnoth and
GNOME's user guide; test text is LibreOffice's help, sentences of 40 to 200
characters, which shares no package with it. What equals the English original is
left out of both: untranslated text is no gold. Needs Python 3.9 alone.
"""

import gettext
import html
import random
import re
import sys
from collections import defaultdict
from pathlib import Path

root, out = Path(sys.argv[1]), Path(sys.argv[2])
rng = random.Random(5)
LANGS = """ar be bg ca cs da de el en eo es et eu fa fi fr ga gl he hi hr hu id is it ja ka kk km ko
lt lv mk ml mr ms nb nl pl pt ro ru sk sl sq sr sv ta te th tr uk vi zh-Hans zh-Hant""".split()
ALIAS = {"zh_CN": "zh-Hans", "zh_TW": "zh-Hant", "zh_HK": "zh-Hant", "pt_BR": "pt", "en_US": "en", "en_GB": "en",
         "zh-CN": "zh-Hans", "zh-TW": "zh-Hant", "en-US": "en", "pt-BR": "pt", "no": "nb"}


def clean(s):
    s = html.unescape(re.sub(r"<[^>]*>", " ", s))
    s = re.sub(r"%\(?[a-zA-Z_]*\)?[-+0-9.$]*l?[sdifux]|\{[^}]*\}|\$\w+|\\n|https?://\S+", " ", s)
    return re.sub(r"\s+", " ", s.replace("_", "").replace("&", "")).strip()


def letters(s):
    return sum(c.isalpha() or not c.isascii() for c in s)


def train():
    rows = defaultdict(set)
    for mo in sorted(root.glob("**/*.mo")):
        code = mo.parts[-3]
        lang = ALIAS.get(code, code)
        if lang not in LANGS or "libreoffice" in str(mo):
            continue
        try:
            catalog = gettext.GNUTranslations(mo.open("rb"))._catalog
        except Exception:
            continue
        for key, value in catalog.items():
            key = key[0] if isinstance(key, tuple) else key
            key = key.split("\x04")[-1]
            rows["en"].add(clean(key))
            if value != key and lang != "en":
                rows[lang].add(clean(value))
    for page in sorted(root.glob("gnome-user-docs/usr/share/help/*/gnome-help/*.page")):
        lang = ALIAS.get(page.parts[-3], page.parts[-3])
        if page.parts[-3] == "C":
            lang = "en"
        if lang in LANGS:
            body = re.sub(r"(?s)<info>.*?</info>", "", page.read_text())
            rows[lang] |= {clean(p) for p in re.findall(r"(?s)<(?:p|title|item)[^>]*>(.*?)</(?:p|title|item)>", body)}
    english = rows["en"]
    for lang in LANGS:
        texts = rows[lang] if lang == "en" else rows[lang] - english
        texts = sorted(t for t in texts if len(t) >= 12 and letters(t) > 0.6 * len(t))
        rng.shuffle(texts)
        yield lang, [t[:300] for t in texts]


def test():
    rows = {}
    for folder in sorted(root.glob("libreoffice-help-*")):
        code = folder.name.removeprefix("libreoffice-help-")
        lang = {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant", "en-us": "en"}.get(code, code)
        texts = set()
        for page in folder.glob("usr/share/libreoffice/help/*/text/**/*.html"):
            body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", "", page.read_text(errors="replace"))
            for p in re.findall(r"(?s)<(?:p|h\d|li|td)\b[^>]*>(.*?)</(?:p|h\d|li|td)>", body):
                p = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", p))).strip()
                for s in re.split(r"(?<=[.!?])\s+|(?<=[。！？])|(?<=។)\s*", p):
                    if 40 <= len(s) <= 200 and letters(s) > 0.7 * len(s):
                        texts.add(s)
        rows[lang] = texts
    english = rows["en"]
    for lang, texts in sorted(rows.items()):
        texts = sorted(texts if lang == "en" else texts - english)
        rng.shuffle(texts)
        yield lang, texts[:1000]


out.mkdir(parents=True, exist_ok=True)
for name, sets in ("train", train()), ("test", test()):
    with open(out / f"{name}.tsv", "w") as f:
        for lang, texts in sets:
            print(name, lang, len(texts), sum(map(len, texts)))
            for t in texts:
                f.write(f"{lang}\t{t}\n")
