"""Writes cases.jsonl: [text, to Traditional, to Simplified] a line, by OpenCC.

Ran with Python 3.11, OpenCC 1.4.2 (s2t, t2s) and jieba 0.42.1, whose words serve to
draw texts at random beside sentences of our own.
"""

import json
import random

import jieba
import opencc

rng = random.Random(7)
s2t, t2s = opencc.OpenCC("s2t"), opencc.OpenCC("t2s")
TEXTS = """头发发现了，理发师发明了干净的干燥机，干部在后面和皇后说里程与公里。
台风刮过台湾，面条和表面，钟表与钟情，松树与轻松，复杂与恢复，万俟先生住在范围里。
資料、演算法和算力像三匹馬一樣拉著同一輛車，缺了哪一匹都走不遠。
乾坤、乾燥、瞭解、一目瞭然、著名的著作穿著衣服，藉口與蘊藉。
English stays, 123 stays, かな stays: 発見、学校、国語。豈更車賈滑串句龜龜契金喇奈。
他在那只猫只有一只的时候，准备了水准仪，并且批准了准则。""".split("\n")
jieba.setLogLevel(60)
jieba.initialize()
words = sorted(w for w in jieba.dt.FREQ if jieba.dt.FREQ[w] > 20 and len(w) > 1)
for i in range(700):
    t = "".join(rng.choice(words)[: rng.choice([1, 9, 9, 9])] for _ in range(rng.randint(2, 10)))
    TEXTS.append(s2t.convert(t) if i % 3 == 0 else t)
with open("cases.jsonl", "w") as f:
    for t in TEXTS:
        f.write(json.dumps([t, s2t.convert(t), t2s.convert(t)], ensure_ascii=False, separators=(",", ":")) + "\n")
