"""The peer of bench/tokenizer: Hugging Face tokenizers, one thread.

Reads a line of JSON, [[document, ...], ...], then numbers of document lists;
answers each with the seconds that encoding them took, and the number of ids.
encode_batch_fast leaves offsets out, which makes it the fastest there is.
Ran with Python 3.11 and tokenizers 0.23.3.
"""

import gc
import json
import sys
import time

from tokenizers import Tokenizer

tok = Tokenizer.from_file(sys.argv[1])
docs = json.loads(sys.stdin.readline())
for line in sys.stdin:
    if sys.argv[2] == "true":
        tok = Tokenizer.from_file(sys.argv[1])
    texts, n = docs[int(line)], 0
    gc.collect()
    start = time.perf_counter()
    for text in texts:
        n += len(tok.encode_batch_fast([text])[0].ids)
    print(time.perf_counter() - start, n, flush=True)
