"""Removes near-duplicates from a shard with datatrove's four MinHash stages.

    python peer.py SHARD.JSONL WORK KEPT.TXT [LANGUAGE]

Needs datatrove 0.10.1 (extras io, processing) and spacy 3.8. The configuration is
datatrove's default: 5-grams, 14 buckets of 8 hashes, 64 bits, seed 1. Prints the
processor seconds of each stage; KEPT.TXT gets the ids that stay, one a line.
"""

import json
import os
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.utils.hashing import HashConfig

shard, work, kept = sys.argv[1:4]
language = sys.argv[4] if len(sys.argv) > 4 else "eng"
docs = [json.loads(line) for line in open(shard)]
size = sum(len(d["text"].encode()) for d in docs)


def stream():
    for d in docs:
        yield Document(text=d["text"], id=d["id"])


config = MinhashConfig(hash_config=HashConfig(precision=64))
signature = MinhashDedupSignature(output_folder=work + "/sig", config=config, language=language)
signature.word_tokenizer.word_tokenize("warm up")
total = 0.0


def timed(name, run):
    global total
    start = time.process_time()
    run()
    seconds = time.process_time() - start
    total += seconds
    print(json.dumps({"stage": name, "seconds": round(seconds, 3), "mbps": round(size / 1e6 / seconds, 3)}), flush=True)


timed("signature", lambda: signature.run(stream()))
buckets = MinhashDedupBuckets(input_folder=work + "/sig", output_folder=work + "/buckets", config=config)
timed("buckets", lambda: [buckets.run(None, rank=r, world_size=14) for r in range(14)])
timed("cluster", lambda: MinhashDedupCluster(input_folder=work + "/buckets", output_folder=work + "/remove", config=config).run(None, 0, 1))
ids = []
timed("filter", lambda: ids.extend(d.id for d in MinhashDedupFilter(input_folder=work + "/remove").run(stream(), 0, 1)))
with open(kept, "w") as f:
    f.write("".join(i + "\n" for i in ids))
print(json.dumps({"stage": "all", "seconds": round(total, 3), "mbps": round(size / 1e6 / total, 3), "kept": len(ids), "of": len(docs)}))
