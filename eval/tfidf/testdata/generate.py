"""Golden values for package tfidf: features and probabilities of scikit-learn.

Ran on Python 3.11, scikit-learn 1.9.1, numpy 2.4.6. The documents are made
here from word lists of our own.
Usage: python generate.py > golden.json   (in this folder)
"""

import json
import random

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

random.seed(11)
TOPICS = {
    "horse": ["The mare trots", "hay and oats", "a groom brushes Her mane", "stable_door", "hooves", "马厩里的干草", "马儿跑得快", "gallop x 2"],
    "bread": ["Knead the dough", "proof for 90 minutes", "rye flour", "crust & crumb", "oven-hot", "面团发酵", "烤箱里的面包", "naïve café"],
    "river": ["the weir", "a slow meander", "trout under the bridge", "flood level III", "silt", "河水上涨", "桥下的鱼", "Straße am Fluß"],
    "clock": ["escapement", "wind the spring", "tick-tock", "seven jewels", "the hands point to 12", "钟表的发条", "指针停在十二点", "½ past ²"],
}
COMMON = ["and then", "it is said", "today", "很久以前", "the old", "a", "我们看见", "!!", "😀 ok", "of the"]


def document(topic):
    parts = [random.choice(TOPICS[topic]) for _ in range(random.randint(1, 3))]
    parts += [random.choice(COMMON) for _ in range(random.randint(1, 5))]
    if random.random() < 0.35:
        parts.append(random.choice(TOPICS[random.choice(list(TOPICS))]))
    random.shuffle(parts)
    return random.choice([" ", "  ", "\n", ", ", "。"]).join(parts)


def split(n):
    rows = []
    for i in range(n):
        topic = list(TOPICS)[i * i % 7 % 4]
        rows.append({"text": document(topic), "label": topic})
    return rows


train, test = split(160), split(60)
texts = [r["text"] for r in train]
runs = []
for name, word, char, min_df, c in [
    ("word", (1, 2), None, 1, 1.0),
    ("char", None, (2, 4), 2, 10.0),
    ("both", (1, 2), (2, 4), 2, 10.0),
]:
    parts = []
    if word:
        parts.append(("word", TfidfVectorizer(ngram_range=word, min_df=min_df)))
    if char:
        parts.append(("char", TfidfVectorizer(analyzer="char_wb", ngram_range=char, min_df=min_df)))
    union = FeatureUnion(parts)
    x = union.fit_transform(texts)
    fit = LogisticRegression(C=c, tol=1e-10, max_iter=10000).fit(x, [r["label"] for r in train])
    z = union.transform([r["text"] for r in test])
    probabilities = fit.predict_proba(z)
    row = z[3].tocoo()
    runs.append({
        "name": name, "word": word or [0, 0], "char": char or [0, 0], "min_df": min_df, "c": c,
        "features": x.shape[1], "labels": fit.classes_.tolist(),
        "row3": sorted([[int(i), round(float(v), 12)] for i, v in zip(row.col, row.data)]),
        "probabilities": np.round(probabilities, 9).tolist(),
        "predicted": fit.predict(z).tolist(),
        "accuracy": fit.score(z, [r["label"] for r in test]),
    })
print(json.dumps({"train": train, "test": test, "runs": runs}, ensure_ascii=False))
