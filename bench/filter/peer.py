"""Runs datatrove's filters over documents and writes down what they decide.

    python peer.py en|zh DOCUMENTS.JSONL DECISIONS.JSONL [--hmm]

Needs datatrove 0.10.1, spacy 3.8.18 and jieba 0.42.1. The thresholds are those of
FineWeb and of FineWeb2 for cmn_Hani. Chinese words are jieba's with HMM off, as
ours are; --hmm leaves datatrove's own choice, on.
"""

import json
import sys
import time

import jieba
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.word_tokenizers import SpaCyTokenizer

jieba.setLogLevel(60)


class Plain(SpaCyTokenizer):
    """spaCy's Chinese pipeline with jieba's HMM off."""

    @property
    def tokenizer(self):
        t = super().tokenizer
        t.tokenizer.jieba_seg = type("J", (), {"cut": staticmethod(lambda s, cut_all: jieba.cut(s, cut_all, HMM=False))})
        return t


def pipeline(lang, hmm):
    if lang == "en":
        return [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]
    l = "cmn_Hani" if hmm else Plain("zh")
    return [
        GopherRepetitionFilter(language=l, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, dup_line_frac=0.287, top_n_grams=[[2, 0.256], [3, 0.201], [4, 0.171]],
                               dup_n_grams=[[5, 0.198], [6, 0.182], [7, 0.167], [8, 0.154], [9, 0.14], [10, 0.127]]),
        FineWebQualityFilter(language=l, short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=0.106, new_line_ratio=0.178),
        GopherQualityFilter(language=l, max_avg_word_length=5, min_avg_word_length=1, stop_words=list("的年在月是和日了於·為有被人中为他與後也而由"), max_non_alpha_words_ratio=0.735, min_stop_words=2),
    ]


def main():
    lang, path, out = sys.argv[1:4]
    filters = pipeline(lang, "--hmm" in sys.argv)
    docs = [json.loads(line) for line in open(path)]
    size = sum(len(d["text"].encode()) for d in docs)
    for f in filters:  # loads what is loaded once
        f.filter(Document(text="warm up. " * 60, id=""))
    start = time.process_time()
    decisions = []
    for d in docs:
        doc, why = Document(text=d["text"], id=d["id"]), ""
        for f in filters:
            res = f.filter(doc)
            if res is not True:
                why = res[1]
                break
        decisions.append({"id": d["id"], "keep": why == "", "why": why})
    took = time.process_time() - start
    print(f"datatrove {lang}: {len(docs)} documents, {size / 1e6:.1f} MB, kept {sum(d['keep'] for d in decisions)}; filters {size / 1e6 / took:.3f} MB/s", flush=True)
    with open(out, "w") as f:
        for d in decisions:
            f.write(json.dumps(d) + "\n")


main()
