"""Splits documents into words with jieba, HMM off, and writes the words' lengths.

    python peer.py DOCUMENTS.JSONL WORDS.JSONL

Needs jieba 0.42.1. A line of the output is the list of the lengths, in
characters, of all that jieba.cut returns for the document, white space too.
"""

import json
import sys
import time

import jieba

jieba.setLogLevel(60)
jieba.initialize()
texts = [json.loads(line)["text"] for line in open(sys.argv[1])]
size = sum(len(t.encode()) for t in texts)
start = time.process_time()
words = [[len(w) for w in jieba.cut(t, HMM=False)] for t in texts]
took = time.process_time() - start
print(f"jieba {jieba.__version__}: {size / 1e6:.1f} MB at {size / 1e6 / took:.2f} MB/s", flush=True)
with open(sys.argv[2], "w") as f:
    for w in words:
        f.write(json.dumps(w, separators=(",", ":")) + "\n")
