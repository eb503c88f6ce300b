"""Writes cases.jsonl.gz: documents made up here, what datatrove measures of them
and why it drops them; for the Chinese ones also what the programs of
ChineseWebText and data-juicer measure, by the formulas of their sources.

Ran with Python 3.11, datatrove 0.10.1, spacy 3.8.18, jieba 0.42.1. Chinese words
are jieba's with HMM off.
"""

import gzip
import json
import math
import random
from collections import Counter

import jieba
import numpy as np
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters import gopher_repetition_filter as rep
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION, split_into_sentences, split_into_words
from datatrove.utils.word_tokenizers import SpaCyTokenizer

rng = random.Random(1)
jieba.setLogLevel(60)


class Plain(SpaCyTokenizer):
    """spaCy's Chinese pipeline with jieba's HMM off."""

    @property
    def tokenizer(self):
        t = super().tokenizer
        t.tokenizer.jieba_seg = type("J", (), {"cut": staticmethod(lambda s, cut_all: jieba.cut(s, cut_all, HMM=False))})
        return t


LANG = {"en": "en", "zh": Plain("zh")}
STOP = list("的年在月是和日了於·為有被人中为他與後也而由")

EN = """The engineer at the small company has a few thousand examples and wants a model that does the task.
It isn't the size of the data that counts, but how well each page was read before training began.
We drop what repeats itself, and we say why: the rule, the value that was measured and the border.
Prices rose by 3.5% to US$40 in Sept. 2021, which is more than anyone had expected (see table 2).
A page of headings and links teaches nothing; a page with sentences that follow from each other does.
"Who reads this?" she asked. "Everybody who has to," he said, and went on with the list.
Mail jane@example.org or read https://example.org/rules before you send us your own documents.
They'd measured every line twice, and still the sums didn't match what the report had claimed.
Water boils at 100°C at the level of the sea; on a mountain, of course, it boils a little earlier.
To be or not to be is a question that people have asked with great feeling for a very long time.""".split("\n")
ZH = """工程师把这几千条样本整理好，当天晚上就训练出了一个能回答客户问题的小模型。
数据、算法和算力像三匹马一样拉着同一辆车，缺了哪一匹都走不远。
我们删去重复的内容，并且说明原因：规则、测得的数值以及界限。
二〇二一年九月，价格上涨了3.5%，达到40元，比所有人预计的都要高。
一页全是标题和链接的网页教不会什么，一页有前后文的句子才有用。
“谁会看这个？”她问。“必须看的人。”他说完就继续往下念。
他们把每一行都量了两遍，可是总数仍然和报告里写的对不上。
水在海平面上一百度沸腾，在山上当然会早一点沸腾。
這份檔案由臺灣的同事寄來，軟體與硬體的說明都在裡面。
研究生命起源的人也在努力，而由他们写的书被很多人读过。""".split("\n")
ODD = ["•  item one", "- item two", "and so on...", "继续阅读…", "# # # #", "[1] see [edit] and [citation needed] here [12].", "short", "1234 5678 90", "Enable JavaScript to go on with this page.",
       "Read our privacy policy and the Terms of Use.", "function() { return 1 }", "Lorem ipsum dolor sit amet.", "短行", "！！！", "", "x" * 1200 + " is a word", "it ends with a quote'", "؟ rare mark ؟"]


def document(lang):
    base = EN if lang == "en" else ZH
    lines = []
    for _ in range(rng.choice([1, 3, 8, 20, 40])):
        kind = rng.random()
        if kind < 0.62:
            pick = rng.sample(base, rng.randint(1, 3))
            line = (" " if lang == "en" else "").join(pick)
            if rng.random() < 0.25:
                words = line.split(" ") if lang == "en" else list(line)
                rng.shuffle(words)
                line = (" " if lang == "en" else "").join(words)
        elif kind < 0.72 and lines:
            line = rng.choice(lines)
        elif kind < 0.9:
            line = rng.choice(ODD) if rng.random() < 0.4 else rng.choice(ODD[:8])
        else:
            line = rng.choice(base)[: rng.randint(3, 25)] + rng.choice(["", ".", "。", "…", "..."])
        lines.append(line)
        if rng.random() < 0.15:
            lines.append("")
    return rng.choice(["", "\n"]) + "\n".join(lines) + rng.choice(["", "\n", "\n\n"])


def gopher_quality(text, lang):
    words = split_into_words(text, lang)
    kept = [w for w in words if any(c not in PUNCTUATION_SET for c in w)]
    out = {"words": len(kept)}
    if kept:
        lines = text.splitlines()
        out |= {
            "mean-word": float(np.mean([len(w) for w in kept])),
            "hash": text.count("#") / len(words),
            "ellipsis": (text.count("...") + text.count("…")) / len(words),
            "bullet-lines": sum(s.lstrip().startswith(("•", "-")) for s in lines) / len(lines),
            "ellipsis-lines": sum(s.rstrip().endswith(("...", "…")) for s in lines) / len(lines),
            "alpha-words": sum(any(c.isalpha() for c in w) for w in words) / len(words),
        }
    return {"gopher-quality." + k: v for k, v in out.items()}


def gopher_repetition(text, lang, f):
    out = {}
    paragraphs = f.paragraph_exp.split(text.strip())
    n, c = rep.find_duplicates(paragraphs)
    out["dup-paragraphs"], out["dup-paragraph-chars"] = n / len(paragraphs), c / len(text)
    lines = f._line_splitter.split(text)
    n, c = rep.find_duplicates(lines)
    out["dup-lines"], out["dup-line-chars"] = n / len(lines), c / len(text)
    words = split_into_words(text, lang)
    for n, _ in f.top_n_grams:
        grams = rep.get_n_grams(words, n)
        if grams:
            out[f"top-{n}-gram"] = rep.find_top_duplicate(grams) / len(text)
    for n, _ in f.dup_n_grams:
        out[f"dup-{n}-gram"] = rep.find_all_duplicate(words, n) / len(text)
    return {"gopher-repetition." + k: v for k, v in out.items()}


def fineweb(text, lang):
    lines = [l for l in text.split("\n") if l.strip() != ""]
    if not lines:
        return {}
    return {
        "fineweb.line-punct": sum(l.endswith(tuple(TERMINAL_PUNCTUATION)) for l in lines) / len(lines),
        "fineweb.short-lines": sum(len(l) <= 30 for l in lines) / len(lines),
        "fineweb.dup-line-chars": rep.find_duplicates(lines)[1] / len(text.replace("\n", "")),
        "fineweb.newlines": text.count("\n") / len(split_into_words(text, lang)),
    }


def chinese_web_text(text):
    lines = text.split("\n")
    norm = "".join(c for c in text.strip().lower() if c not in " \n\t")
    grams = [norm] if len(norm) < 13 else [norm[i : i + 13] for i in range(0, len(norm) - 13)]
    return {
        "chinesewebtext.length": len(text),
        "chinesewebtext.mean-line": len(text) / len(lines),
        "chinesewebtext.han": sum("\u4e00" <= c <= "\u9fa5" for c in text) / len(text),
        "chinesewebtext.repeated-13-gram": sum(n for n in Counter(grams).values() if n > 1) / len(grams) if grams else 0,
    }


def data_juicer(text):
    counts = sorted(Counter(text[i : i + 10] for i in range(len(text) - 9)).values(), reverse=True)
    top = min(int(math.sqrt(len(counts))), len(counts) - sum(n == 1 for n in counts))
    return {
        "data-juicer.alphanumeric": sum(c.isalnum() for c in text) / len(text),
        "data-juicer.char-repetition": sum(counts[:top]) / sum(counts) if counts else 0,
        "data-juicer.length": len(text),
    }


def filters(lang):
    l = LANG[lang]
    if lang == "en":
        return [GopherRepetitionFilter(language=l), GopherQualityFilter(language=l), FineWebQualityFilter(language=l), C4QualityFilter(language=l, filter_no_terminal_punct=False), C4QualityFilter(language=l)]
    return [
        GopherRepetitionFilter(language=l, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, dup_line_frac=0.287, top_n_grams=[[2, 0.256], [3, 0.201], [4, 0.171]],
                               dup_n_grams=[[5, 0.198], [6, 0.182], [7, 0.167], [8, 0.154], [9, 0.14], [10, 0.127]]),
        GopherQualityFilter(language=l, max_avg_word_length=5, min_avg_word_length=1, stop_words=STOP, max_non_alpha_words_ratio=0.735, min_stop_words=2),
        FineWebQualityFilter(language=l, short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=0.106, new_line_ratio=0.178),
        C4QualityFilter(language=l, filter_no_terminal_punct=False),
    ]


with open("cases.jsonl.gz", "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as f:
    for lang, n in ("en", 90), ("zh", 70):
        fs = filters(lang)
        for _ in range(n):
            text = document(lang)
            if not text.strip():
                continue
            values = gopher_quality(text, LANG[lang]) | gopher_repetition(text, LANG[lang], fs[0]) | fineweb(text, LANG[lang])
            if lang == "zh":
                values |= chinese_web_text(text) | data_juicer(text)
            drops, after = [], []
            for one in fs:
                doc = Document(text=text, id="")
                res = one.filter(doc)
                drops.append("" if res is True else res[1])
                if isinstance(one, C4QualityFilter):
                    after.append(doc.text if res is True else None)
            row = {"lang": lang, "text": text, "values": values, "drops": drops, "c4": after}
            f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
