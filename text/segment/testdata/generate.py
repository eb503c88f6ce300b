"""Writes en.jsonl and zh.jsonl: [text, words] a line, as spaCy's blank
English tokenizer and jieba (HMM off) split them.

Ran with Python 3.11, spacy 3.8.18, jieba 0.42.1. The texts are made up here:
sentences of our own and strings drawn at random from what the rules look at.
"""

import json
import random

import jieba
import spacy

rng = random.Random(20261123)

ENGLISH = [
    "Don't pay $5.50 (e.g. to foo.com) before 10am, she'd said; it's not worth it!",
    "The U.S. and U.K. offices (see Fig. 3.2) moved 12km north-west in Sept. 2021...",
    "Mail me at jane.doe@example.org or visit https://example.org/a?b=c#d, http://10.0.0.1/ or 8.8.8.8:53.",
    "\"Well,\" he said, 'that's the dogs' dinner' -- and left—quickly… :-) ;) <3 (*_*)",
    "Prices rose by 3.5% to US$40, i.e. 20€ or £17.99, at 30°C. That is 5m/s, 10 km/h and 3kg.",
    "gonna gotta cannot won't shouldn't've y'all C'mon o'clock 'cause ma'am and/or w/o",
    "snake_case camelCase C++ C# .NET a.m. p.m. 5pm 10a.m. x=y a->b foo.Bar foo,bar foo:bar foo/bar",
    "1,000,000 1.2.3 3+4 5-6 7*8 9^2 -1 +1 +a 2+ e=mc² naïve café Ünïcode ΑΒΓ абв. ГД.",
    "[link](http://x.io/y_(z)) `code` **bold** __init__ {a: [1, 2]} #tag @user & more; etc.",
    "A.B.C. AB. a. Mr. Smith Jr. lives in Wash. D.C. no. 5 vs. No. 6!!! What?! Yes.. No....",
]
PIECES = (
    ["don't", "it's", "he'll", "Mr.", "U.S.", "e.g.", "a.m.", "10am", "foo", "Bar", "BAZ", "x", "Y", "naïve", "Ж", "ж", "中", "é", "n't", "'s", "’s", "'ll", "cannot", "Im", "id"]
    + list(".,;:!?…-–—~'\"“”‘’()[]{}<>/\\|_#*&%$£€+=^@°§©™→☃")
    + ["..", "...", "--", "---", "——", "……", "US$", "C$", "<3", "0", "7", "12", "3.5", "km", "kg", "m²", "K", "%", "°C.", "www.", ".com", "http://", "a@b.", "10.", ".1"]
)
CHINESE = [
    "数据、算法和算力像三匹马一样拉着同一辆车，缺了哪一匹都走不远。",
    "工程师把这几千条样本整理好，当天晚上就训练出了一个能回答客户问题的小模型。",
    "他说的确实在理，可是研究生命起源的人并不都这么想。",
    "结合成分子时，乒乓球拍卖完了没有？南京市长江大桥今天下午3点半通车。",
    "請把這份檔案轉成簡體字，然後寄給臺灣的同事；軟體和硬體的說明都在裡面。",
    "版本号v2.10-beta_3，占用率99.5%，用C++和T恤、B超、AA制、3G网络、卡拉OK举例子。",
    "ＡＢＣ　１２３，“引号”《书名》——破折号……省略号\t制表符\r\n换行\u3000全角空格",
    "𠮷野家的㐂字、〇和々不在常用区，ㄅㄆㄇ也不在。",
    "一二三四五六七八九十百千万亿，二〇二六年十一月二十三日。",
]


def english():
    nlp = spacy.blank("en")
    texts = ENGLISH[:]
    for _ in range(3000):
        texts.append(" ".join("".join(rng.choices(PIECES, k=rng.randint(1, 5))) for _ in range(rng.randint(1, 4))))
    for t in texts:
        yield t, [w.text for w in nlp.tokenizer(t)]


def chinese():
    jieba.setLogLevel(60)
    jieba.initialize()
    words = sorted(w for w in jieba.dt.FREQ if 2 <= len(w) <= 4 and jieba.dt.FREQ[w] > 50)
    texts = CHINESE[:]
    for _ in range(800):
        # words that overlap: the end of one begins the next
        out = ""
        for _ in range(rng.randint(1, 8)):
            w = rng.choice(words)
            out += w[:1] if rng.random() < 0.3 else w
            if rng.random() < 0.2:
                out += rng.choice("，。a7B+#&._%- 的了是在不人我有他这")
        texts.append(out)
    for t in texts:
        yield t, list(jieba.cut(t, HMM=False))


for name, cases in ("en", english()), ("zh", chinese()):
    with open(f"{name}.jsonl", "w") as f:
        for text, words in cases:
            row = [text, [w.strip() for w in words if w.strip()]]
            f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
