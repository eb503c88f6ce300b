"""Golden values of calibration for package eval.

Ran on Python 3.11, scikit-learn 1.9.1, numpy 2.4.6.
Usage: python calibration.py > calibration.json   (in this folder)
"""

import json

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

BINS = 15
cases = []
for seed, (name, n, labels, sharp, trust) in enumerate([
    ("calibrated", 400, 3, 1.5, 1.0),
    ("overconfident", 300, 5, 3.0, 0.3),
    ("two labels", 120, 2, 1.0, 0.7),
    ("few examples", 7, 4, 2.0, 0.5),
    ("certain and wrong at times", 60, 3, 60.0, 0.5),
]):
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(n, labels))
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    truth = np.exp(trust * (logits - logits.max(1, keepdims=True)))
    truth /= truth.sum(1, keepdims=True)
    right = np.array([rng.choice(labels, p=t) for t in truth])
    hit, confidence = (p.argmax(1) == right).astype(int), p.max(1)
    accuracy, mean = calibration_curve(hit, confidence, n_bins=BINS, strategy="uniform")
    # calibration_curve does not tell how many examples are in a bin; it places them so.
    at = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)
    count = np.bincount(at, minlength=BINS)
    count = count[count > 0]
    assert len(count) == len(accuracy)
    cases.append({
        "name": name, "probabilities": p.tolist(), "right": right.tolist(),
        "accuracy": float(hit.mean()),
        "ece": float(np.sum(count / n * np.abs(accuracy - mean))),
        "brier": float(brier_score_loss(right, p, labels=np.arange(labels), scale_by_half=False)),
        "log_loss": float(log_loss(right, p, labels=np.arange(labels))),
        "bins": [{"examples": int(c), "confidence": float(m), "accuracy": float(a)} for c, m, a in zip(count, mean, accuracy)],
    })
print(json.dumps({"cases": cases}))
