"""Golden scores for package translation, from sentences of our own and damaged copies of them.

Ran on Python 3.11, sacrebleu 2.6.0.
Usage: python generate.py > scores.json   (in this folder)
"""

import json
import random

from sacrebleu.metrics import BLEU, CHRF

OWN = [
    "The library opens at nine and closes at six, but on Fridays it stays open until ten.",
    "He paid $3,500.75 for 2-3 old maps (none of them complete) & a globe.",
    'She said: "We repaired the roof; the floor is next."',
    "Press Ctrl+Shift+F5 to calculate all cells again.",
    "Version 1.2.3-rc4 was tested on x86-64, arm64, and RISC-V.",
    "Nothing.",
    "&quot;A &amp;lt; B&quot; is how it is <skipped> written in the page's source.",
    "老图书馆在周五和周六开放到晚上十点，其他日子照旧在下午六点闭馆。",
    "他花了3,500.75元买了2-3张旧地图（没有一张是完整的）和一个地球仪。",
    "“能修就不换”，负责工程的设计师说——这是原则……",
    "按 Ctrl+Shift+F5 可以重新计算所有单元格；参见第12章。",
    "全角ＡＢＣ与半角ABC，①②③，㈱，𠀀𪛖不同。",
    "完",
    "",
    " leading and  double spaces\tand a tab ",
    "naïve café — “quoted”, it’s 5°C…",
]


def damage(rng, s):
    parts = s.split(" ") if rng.random() < 0.5 and " " in s else list(s)
    sep = " " if " " in s and len(parts) < len(s) else ""
    for _ in range(rng.randint(0, max(1, len(parts) // 4))):
        if not parts:
            break
        i = rng.randrange(len(parts))
        kind = rng.random()
        if kind < 0.4:
            del parts[i]
        elif kind < 0.7:
            parts[i] = rng.choice(parts)
        else:
            parts.insert(i, rng.choice(parts))
    return sep.join(parts)


rng = random.Random(11)
cases = []
for name, pool, n in [("english", OWN[:7], 40), ("chinese", OWN[7:13], 40), ("mixed", OWN, 60),
                      ("one", OWN[:1], 1), ("short", OWN[5:6] + OWN[12:13], 4), ("empty", [""], 2)]:
    ref = [rng.choice(pool) for _ in range(n)]
    hyp = [damage(rng, r) for r in ref]
    cases.append({"name": name, "hypotheses": hyp, "references": ref})
cases.append({"name": "equal", "hypotheses": OWN[:4], "references": OWN[:4]})
cases.append({"name": "nothing shared", "hypotheses": ["abc def", "ghi"], "references": ["一二三", "四五六"]})
cases.append({"name": "no words", "hypotheses": ["", ""], "references": ["some words here and there", "more"]})
for c in cases:
    c["bleu"] = {t: BLEU(tokenize=t).corpus_score(c["hypotheses"], [c["references"]]).score for t in ("13a", "zh", "none")}
    c["chrf"] = CHRF(word_order=2).corpus_score(c["hypotheses"], [c["references"]]).score
print(json.dumps(cases, ensure_ascii=False, indent=1))
