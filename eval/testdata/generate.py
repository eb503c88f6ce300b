"""Golden values for package eval.

Ran on Python 3.11, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
Usage: python generate.py > metrics.json   (in this folder)
"""

import json
import random

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import (accuracy_score, confusion_matrix, f1_score,
                             precision_recall_fscore_support)

random.seed(7)
cases = []
for name, labels, n, hit, other in [
    ("two", ["no", "yes"], 31, 0.8, 0.0),
    ("five", ["a", "b", "c", "d", "e"], 200, 0.6, 0.0),
    ("outside", ["io", "net", "数学"], 120, 0.5, 0.2),
    ("missing label", ["a", "b", "never"], 40, 0.9, 0.0),
    ("all wrong", ["a", "b"], 10, 0.0, 1.0),
]:
    gold, pred = [], []
    for _ in range(n):
        g = random.choice([x for x in labels if x != "never"])
        u = random.random()
        p = g if u < hit else ("none of these" if random.random() < other
                               else random.choice([x for x in labels if x != "never"]))
        gold.append(g)
        pred.append(p)
    every = labels + sorted(set(pred) - set(labels))
    matrix = confusion_matrix(gold, pred, labels=every)[: len(labels)].tolist()
    for row in matrix:
        row += [0] * (len(labels) + 1 - len(row))
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, pred, labels=labels, zero_division=0)
    hits = np.array([g == p for g, p in zip(gold, pred)], dtype=float)
    ci = bootstrap((hits,), np.mean, n_resamples=50000, method="percentile",
                   rng=np.random.default_rng(1)).confidence_interval if 0 < hits.sum() < n else None
    cases.append({
        "name": name, "labels": labels, "gold": gold, "predicted": pred,
        "accuracy": accuracy_score(gold, pred),
        "macro_f1": f1_score(gold, pred, labels=labels, average="macro", zero_division=0),
        "micro_f1": f1_score(gold, pred, labels=labels, average="micro", zero_division=0),
        "confusion": matrix,
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
        "support": [int(s) for s in support],
        "interval": [float(ci.low), float(ci.high)] if ci else None,
    })

values = np.sort(np.random.default_rng(3).normal(size=37))
quantiles = [{"q": q, "value": float(np.quantile(values, q))} for q in (0, 0.025, 0.3, 0.5, 0.975, 1)]
a = np.random.default_rng(4).random(150) < 0.55
b = a | (np.random.default_rng(5).random(150) < 0.15)
b &= np.random.default_rng(6).random(150) < 0.95
paired = bootstrap((a.astype(float), b.astype(float)), lambda x, y, axis: y.mean(axis) - x.mean(axis),
                   paired=True, n_resamples=50000, method="percentile", rng=np.random.default_rng(2))
print(json.dumps({
    "cases": cases,
    "values": values.tolist(), "quantiles": quantiles,
    "paired": {"first": a.astype(int).tolist(), "second": b.astype(int).tolist(),
               "interval": [float(paired.confidence_interval.low), float(paired.confidence_interval.high)]},
}, ensure_ascii=False))
