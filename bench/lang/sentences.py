"""Writes train.tsv and test.tsv, a language and a sentence a line, from packages.

    python sentences.py FOLDER-OF-UNPACKED-PACKAGES OUT

Training text is the translated messages of GNOME programs, GIMP and Wesnoth and
GNOME's user guide; test text, sentences of 40 to 200 characters, is LibreOffice's
help and manual pages, which share no package with it. What was left in English is
left out of both: it is no gold. That is what equals an English text, what is mostly
Latin letters in a language of another script, and what is nearly all words of the
English texts. Needs Python 3.9 alone.
"""

import gettext
import gzip
import html
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

root, out = Path(sys.argv[1]), Path(sys.argv[2])
rng = random.Random(5)
LANGS = """ar be bg ca cs da de el en eo es et eu fa fi fr ga gl he hi hr hu id is it ja ka kk km ko
lt lv mk ml mr ms nb nl pl pt ro ru sk sl sq sr sv ta te th tr uk vi zh-Hans zh-Hant""".split()
OWN_SCRIPT = set("ar be bg el fa he hi ja ka kk km ko mk ml mr ru sr ta te th uk zh-Hans zh-Hant".split())
ALIAS = {"zh_CN": "zh-Hans", "zh_TW": "zh-Hant", "zh_HK": "zh-Hant", "pt_BR": "pt", "en_US": "en", "en_GB": "en",
         "zh-CN": "zh-Hans", "zh-TW": "zh-Hant", "en-US": "en", "pt-BR": "pt", "no": "nb"}


def clean(s):
    s = html.unescape(re.sub(r"<[^>]*>", " ", s))
    s = re.sub(r"%\(?[a-zA-Z_]*\)?[-+0-9.$]*l?[sdifux]|\{[^}]*\}|\$\w+|\\n|https?://\S+", " ", s)
    return re.sub(r"\s+", " ", s.replace("_", "").replace("&", "")).strip()


def letters(s):
    return sum(c.isalpha() or not c.isascii() for c in s)


def words(s):
    return re.findall(r"[^\W\d_]{2,}", s.lower())


def translated(lang, s, english):
    """Reports whether s can be text of the language: neither a text nor a name that was left in English."""
    if lang == "en":
        return True
    if lang in OWN_SCRIPT:
        return 2 * len(re.findall(r"[A-Za-z]", s)) <= letters(s)
    found = words(s)
    return sum(w in english for w in found) < 0.8 * len(found)


def train(known):
    rows = defaultdict(set)
    for mo in sorted(root.glob("**/*.mo")):
        code = mo.parts[-3]
        lang = ALIAS.get(code, code)
        if lang not in LANGS:
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
    known |= vocabulary(english)
    for lang in LANGS:
        texts = rows[lang] if lang == "en" else rows[lang] - english
        texts = sorted(t for t in texts if len(t) >= 12 and letters(t) > 0.6 * len(t) and translated(lang, t, known))
        rng.shuffle(texts)
        yield lang, [t[:300] for t in texts]


def vocabulary(texts):
    """The words that occur in three texts or more."""
    count = Counter(w for t in texts for w in set(words(t)))
    return {w for w, n in count.items() if n > 2}


def sentences(paragraph):
    """The sentences that are long enough to tell a language by, and are no listing of names."""
    for s in re.split(r"(?<=[.!?।])\s+|(?<=[。！？])|(?<=។)\s*", paragraph):
        if 40 <= len(s) <= 200 and letters(s) > 0.7 * len(s) and not re.search(r"\.xhp|\{user|https?:", s):
            yield s


def help_texts():
    for folder in sorted(root.glob("libreoffice-help-*")):
        code = folder.name.removeprefix("libreoffice-help-")
        lang = {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant", "en-us": "en"}.get(code, code)
        texts = set()
        for page in folder.glob("usr/share/libreoffice/help/*/text/**/*.html"):
            body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", "", page.read_text(errors="replace"))
            for p in re.findall(r"(?s)<(?:p|h\d|li|td)\b[^>]*>(.*?)</(?:p|h\d|li|td)>", body):
                p = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", p))).strip()
                texts.update(sentences(p.removeprefix("Title is: ")))
        yield lang, texts


def manual_texts():
    for folder in sorted(root.glob("manpages-*")):
        texts = set()
        for page in folder.glob("usr/share/man/*/man*/*.gz"):
            lines = gzip.open(page, "rt", errors="replace").read().split("\n")
            paragraph = []
            for line in lines + ["."]:
                if line[:1] not in (".", "'", ""):
                    paragraph.append(line)
                    continue
                p = re.sub(r"\\f(?:\[[^]]*\]|.)|\\[&/,|^%:]", "", " ".join(paragraph)).replace("\\-", "-")
                if "\\" not in p and "--" not in p and p[:1].isalpha():
                    texts.update(sentences(re.sub(r"\s+", " ", p).strip()))
                paragraph = []
        yield folder.name.removeprefix("manpages-"), texts


def test(known):
    rows = dict([*help_texts(), *manual_texts()])
    english = rows["en"]
    known |= vocabulary(english)
    for lang, texts in sorted(rows.items()):
        texts = sorted(t for t in (texts if lang == "en" else texts - english) if translated(lang, t, known))
        rng.shuffle(texts)
        yield lang, texts[:1000]


known = set()  # English words
out.mkdir(parents=True, exist_ok=True)
for name, sets in ("train", train(known)), ("test", test(known)):
    with open(out / f"{name}.tsv", "w") as f:
        for lang, texts in sets:
            print(name, lang, len(texts), sum(map(len, texts)))
            for t in texts:
                f.write(f"{lang}\t{t}\n")
