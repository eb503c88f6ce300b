"""Makes the fixtures of package tokenizer: small tokenizers trained here on
text written here, and what Hugging Face tokenizers makes of the cases.

Ran with Python 3.11 and tokenizers 0.23.3:  python generate.py
A tokenizer that is already there is kept: training breaks ties by hash order,
so that another run may learn other merges. Remove the file to train it anew.

  NAME.tokenizer.json   a tokenizer of each family
  variants.json         the same with some components replaced
  cases.json            texts ({"s"}: text, {"hex"}: bytes, {"s","n"}: repeated)
  golden.json           ids and decoded text by tokenizer, in the order of cases;
                        for variants a digest of both
  decode.json           digests of the text of random ids, by tokenizer
  lines.json            the text that all were trained on
  unicode.json          digests of character classes and normal forms
"""

import base64
import hashlib
import json
import pathlib
import struct
import unicodedata

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)

ENGLISH = """
Three horses pull one carriage: data, algorithm, compute. The first horse is stubborn, the second is
clever, the third is always hungry. They don't agree on much; they've never agreed on the road. But when
the driver whistles they'll run, and nobody who's seen it would say it isn't worth the fare.
A tokenizer cuts text into pieces and gives each piece a number. It must cut the same way every time,
on every machine, whether the text is a poem, a price list (12 apples at $3.50, 250 pears at $0.75), a log
line from 2024-06-30 23:59:59, or a function that someone wrote at three in the morning.
We'd rather be exact than quick, and we're quick as well. I'm sure you'd do the same.
"""
CHINESE = """
三匹马拉一辆车：数据、算法、算力。第一匹马倔强，第二匹马聪明，第三匹马总是饿。它们在很多事情上意见不一，
但是车夫一吹口哨，它们就会一起跑起来。分词器把文本切成小块，给每一块一个编号。无论文本是一首诗、一张价目表
（12个苹果3.50元，250个梨0.75元）、一行2024年6月30日的日志，还是凌晨三点写下的函数，它都必须每次切得一样。
我们宁可准确也不求快，不过我们也很快。数据很重要，算法很重要，算力也很重要。
"""
CODE = """
func add(a, b int) int {
\tif a == 0 {
\t\treturn b
\t}
\treturn a + b // sum of both
}

def mean(values):
    total = 0.0
    for value in values:
        total += value
    return total / len(values)

for (let i = 0; i < items.length; i++) { console.log(items[i].name, i * 2); }
"""
OTHER = """
Être ou ne pas être, telle est la question; déjà vu, café, naïve, coördinate. Grüße aus Köln, schöne Straße.
Привет, мир! Сегодня хорошая погода. Γειά σου Κόσμε. こんにちは世界、今日はいい天気です。안녕하세요 세계, 오늘 날씨가 좋네요.
สวัสดีชาวโลก วันนี้อากาศดี مرحبا بالعالم، الطقس جميل اليوم. שלום עולם. नमस्ते दुनिया, आज मौसम अच्छा है।
👍 👍🏽 😀 🎉 ❤️ 👨‍👩‍👧 🇨🇳 ™ © → ≤ ½ ² ①
"""
LINES = [l for l in (ENGLISH * 2 + CHINESE * 2 + CODE + OTHER).split("\n") if l]

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = (r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"""
          r"""|\s*[\r\n]+|\s+(?!\S)|\s+""")
CL100K = (r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"""
          r"""|\s+(?!\S)|\s+""")
O200K = (r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"""
         r"""|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"""
         r"""|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
            r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]


def special(content, **options):
    return AddedToken(content, **{"special": True, "normalized": False, **options})


def byte_level(pre, size, specials):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(LINES, trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, show_progress=False, special_tokens=[],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tok.add_special_tokens(specials)
    return tok


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def template(tok, bos, eos=None):
    names = [bos] + ([eos] if eos else [])
    return processors.TemplateProcessing(
        single=" ".join([bos, "$A"] + ([eos] if eos else [])), pair=f"{bos} $A {bos} $B",
        special_tokens=[(n, tok.token_to_id(n)) for n in names])


def gpt2():
    return byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), 600, [special("<|endoftext|>")])


def llama3():
    tok = byte_level(split_then_bytes(LLAMA3), 700, [special("<|begin_of_text|>"), special("<|eot_id|>")])
    tok.post_processor = processors.Sequence([processors.ByteLevel(), template(tok, "<|begin_of_text|>")])
    data = json.loads(tok.to_str())
    data["model"]["ignore_merges"] = True
    # A token that no merge makes, which ignore_merges alone can reach.
    vocab = data["model"]["vocab"]
    shifted = {t["content"] for t in data["added_tokens"]}
    base = len(vocab) - sum(t in vocab for t in shifted)
    vocab["Ġcarriages"] = base
    for i, t in enumerate(data["added_tokens"]):
        t["id"] = base + 1 + i
    data["post_processor"]["processors"][1]["special_tokens"]["<|begin_of_text|>"]["ids"] = [base + 1]
    return Tokenizer.from_str(json.dumps(data))


def qwen2():
    tok = byte_level(split_then_bytes(QWEN2), 700, [
        special("<|endoftext|>"), special("<|im_start|>"), special("<|im_end|>")])
    tok.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    tok.normalizer = normalizers.NFC()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    return tok


def with_byte_tokens(tok, specials):
    """Puts special and byte tokens in front of a trained vocabulary."""
    data = json.loads(tok.to_str())
    front = specials + [f"<0x{b:02X}>" for b in range(256)]
    learned = sorted(data["model"]["vocab"].items(), key=lambda kv: kv[1])
    data["model"]["vocab"] = {t: i for i, t in enumerate(front + [t for t, _ in learned if t not in front])}
    data["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return Tokenizer.from_str(json.dumps(data))


def llama2():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tok.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=700, min_frequency=2, show_progress=False,
                                                       limit_alphabet=260))
    tok = with_byte_tokens(tok, ["<unk>", "<s>", "</s>"])
    tok.pre_tokenizer = None
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    tok.add_special_tokens([special("<unk>"), special("<s>"), special("</s>")])
    tok.post_processor = template(tok, "<s>")
    return tok


def gemma():
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.Replace(" ", "▁")
    # No pre-tokenizer while training: merges reach across words.
    tok.train_from_iterator([l[:60] for l in LINES], trainers.BpeTrainer(
        vocab_size=800, min_frequency=2, show_progress=False, limit_alphabet=300, max_token_length=12))
    tok = with_byte_tokens(tok, ["<pad>", "<eos>", "<bos>", "<unk>", "\n", "▁▁"])
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok.add_special_tokens([special(t) for t in ["<pad>", "<eos>", "<bos>", "<unk>"]])
    tok.add_tokens([AddedToken(t, normalized=False) for t in ["<start_of_turn>", "\n\n", "\n\n\n", "▁▁▁", "</h1>"]])
    tok.post_processor = template(tok, "<bos>", "<eos>")
    return tok


def bert():
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok.train_from_iterator(LINES, trainers.WordPieceTrainer(
        vocab_size=600, min_frequency=2, show_progress=False, special_tokens=[special(n) for n in names]))
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(n, tok.token_to_id(n)) for n in ("[CLS]", "[SEP]")])
    return tok


def double_array(spellings):
    """The units of a Darts double array from byte strings to offsets: a node's label in
    the low byte, bit 8 where a value hangs below, from bit 10 on what is xored with the
    node's place to reach its children."""
    units, used = [0] * 4096, {0}

    def place(node, keys):
        children = {}
        for key, value in keys:
            children.setdefault(key[0] if key else 0, []).append((key[1:], value))
        base = 1
        while any(base ^ c in used for c in children) or base ^ node >= 1 << 21:
            base += 1
        used.update(base ^ c for c in children)
        while base + 256 >= len(units):
            units.append(0)
        units[node] |= (base ^ node) << 10
        for c, below in children.items():
            if c == 0:
                units[node] |= 1 << 8
                units[base] = below[0][1] | 1 << 31
            else:
                units[base ^ c] |= c
                place(base ^ c, below)

    place(0, sorted(spellings.items()))
    return struct.pack(f"<{len(units)}I", *units)


def charsmap():
    """A small map of our own in the form that SentencePiece precompiles."""
    pairs = {chr(c): unicodedata.normalize("NFKC", chr(c)) for c in range(0xFF01, 0xFF5F)}
    pairs |= {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u200b": " ", "\ufeff": "", "\x7f": "",
              "\ufb01": "fi", "½": "1/2", "①": "1", "㎏": "kg", "e\u0301": "é", "Å": "Å", "Ω": "Ω", "™": "TM", "É": "e"}
    text, at = b"", {}
    for spelling, replacement in pairs.items():
        at[spelling.encode()] = len(text)
        text += replacement.encode() + b"\0"
    trie = double_array(at)
    return base64.b64encode(struct.pack("<I", len(trie)) + trie + text).decode()


def xlmr():
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator(LINES, trainers.UnigramTrainer(
        vocab_size=500, show_progress=False, unk_token="<unk>",
        special_tokens=[special(n) for n in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]))
    data = json.loads(tok.to_str())
    data["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": charsmap()}
    data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]}
    data["decoder"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    tok = Tokenizer.from_str(json.dumps(data))
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(n, tok.token_to_id(n)) for n in ("<s>", "</s>")])
    return tok


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
GPT2_STEP = {**BYTES, "use_regex": True}


def regex_step(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def string_step(s, behavior, invert=False):
    return {"type": "Split", "pattern": {"String": s}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def added(i, content, **options):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False, **options}


def variants(sizes):
    n = sizes["gpt2"]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    out = {
        "smollm": ("gpt2", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, GPT2_STEP)}),
        "falcon": ("gpt2", {"pre_tokenizer": sequence(
            {"type": "Punctuation", "behavior": "Contiguous"}, GPT2_STEP,
            {"type": "Digits", "individual_digits": False}, regex_step("[0-9][0-9][0-9]"))}),
        "deepseek": ("gpt2", {"pre_tokenizer": sequence(*[regex_step(p) for p in DEEPSEEK], BYTES)}),
        "o200k": ("gpt2", {"pre_tokenizer": sequence(regex_step(O200K), BYTES)}),
        "cl100k": ("gpt2", {"pre_tokenizer": sequence(regex_step(CL100K, "Removed", True), BYTES)}),
        "qwen35": ("qwen2", {"pre_tokenizer": sequence(regex_step(QWEN35), BYTES)}),
        "roberta": ("gpt2", {
            "pre_tokenizer": {**GPT2_STEP, "add_prefix_space": True},
            "post_processor": {"type": "RobertaProcessing", "sep": ["the", 300], "cls": ["<|endoftext|>", n],
                               "trim_offsets": True, "add_prefix_space": True},
            "added_tokens": [
                added(n, "<|endoftext|>", special=True),
                added(n + 1, "<mask>", special=True, lstrip=True),
                added(n + 2, "<r>", special=True, rstrip=True),
                added(n + 3, "horse", single_word=True),
                added(n + 4, "<|im_start|>", lstrip=True, rstrip=True)]}),
        "lower": ("gpt2", {
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": False},
                {"type": "Replace", "pattern": {"Regex": "[0-9]+"}, "content": "#"},
                {"type": "Replace", "pattern": {"String": "the"}, "content": "THE"}]},
            "added_tokens": [
                added(n, "<|endoftext|>", special=True),
                added(n + 1, "Data", normalized=True),
                added(n + 2, "CAFÉ", normalized=True, special=True, lstrip=True)]}),
        "accents": ("gpt2", {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Nmt"}, {"type": "Prepend", "prepend": "> "}]}}),
        "nfd": ("gpt2", {"normalizer": {"type": "NFD"}, "decoder": None}),
        "first": ("llama2", {"normalizer": None, "pre_tokenizer": metaspace, "decoder": {
            "type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}}),
        "metaspace": ("llama2", {"normalizer": None, "pre_tokenizer": {
            "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}}),
        "unk": ("llama2", {"model": {"byte_fallback": False}}),
        "unkeach": ("llama2", {"model": {"byte_fallback": False, "fuse_unk": False}}),
        "dropped": ("llama2", {"model": {"byte_fallback": False, "unk_token": None}}),
        "behaviors": ("gpt2", {"pre_tokenizer": sequence(
            {"type": "WhitespaceSplit"}, string_step("-", "MergedWithNext"), string_step("=", "MergedWithPrevious"),
            {"type": "Punctuation"}, regex_step(r"\d+", "Contiguous", True), BYTES)}),
        "whitespace": ("gpt2", {"pre_tokenizer": sequence(
            {"type": "Whitespace"}, {"type": "FixedLength", "length": 4},
            {"type": "CharDelimiterSplit", "delimiter": "o"}, BYTES)}),
        "cased": ("bert", {"normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": None,
            "lowercase": False},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
            "model": {"max_input_chars_per_word": 12}}),
        "stripped": ("bert", {"normalizer": {
            "type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True, "strip_accents": True,
            "lowercase": False}}),
        "spm": ("xlmr", {"normalizer": None, "pre_tokenizer": {
            "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}}),
        "suffix": ("gpt2", {"pre_tokenizer": {"type": "BertPreTokenizer"},
                            "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
                            "model": {"end_of_word_suffix": "</w>", "continuing_subword_prefix": "",
                                      "unk_token": "!"}}),
    }
    return out


CASES = [
    "", " ", "a", "\n", "\r\n", "Hello, world!", " Hello world", "Hello  world   again    ", "  leading",
    "don't DON'T we'll WE'LL I'm they've you'd 'tis 'Twas it's' 's", "'ſ x'ſy", "the horses' carriages",
    "三匹马拉一辆车", "数据、算法、算力。", "我们用 Go 写 tokenizer，版本 1.26！", "漢字とかな交じり文、カタカナ",
    "func add(a, b int) int {\n\treturn a + b\n}\n", "for i in range(10):\n    print(i)\n\n\n    x = 1  \n",
    "if (x==1) { y--; } /* c */ // d\t\t\n", "a=b==c-d--e", "--flag=value -x", "snake_case camelCase PascalCase HTTPServer2",
    "1 12 123 1234 12345 3.14159 1,000,000 ½ ² ① ٣٤٥ १२३ Ⅷ", "2024-06-30T23:59:59Z", "0x1F 1e-9 #42 50%",
    "👍", "👍🏽👨‍👩‍👧‍👦 🇨🇳🏳️‍🌈", "text😀text 😀 text", "❤️‍🔥™©→≤", "e\u0301 cafe\u0301 caf\u00e9 \u1e69 s\u0323\u0307 s\u0307\u0323",
    "한글 가각 \u1100\u1161\u11a8 안녕하세요", "สวัสดีชาวโลก", "مرحبا بالعالم ١٢٣", "שָׁלוֹם עולם", "नमस्ते दुनिया क्षत्रिय",
    "Привет, мир! ПРИВЕТ", "Γειά σου Κόσμε ΣΑΣ", "İstanbul ıI ß ﬁ ﬀ Å Å Ω", "ｆｕｌｌｗｉｄｔｈ　１２３ ㍿ ㎏ ﷺ", "Tiếng Việt: Tiê\u0301ng Viê\u0323t",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a", "\u0301start \u200bzero\u200dwidth\ufeff\u00ad",
    "tab\there\r\nCRLF\r\n\r\nline\rend", "  \n  \n\n   x", "\u00a0nbsp\u3000ideographic\u2003em\u2028ls\u2029ps\x85nel", "trailing \n",
    "   \t\n", "\n\n\n\n\n", "\x00\x01\x1f\x7f", "a\x00b", "\ufffd\ufffe\uffff", "\U0010ffff \U000e0001 \ue000",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    "<|begin_of_text|>x<|eot_id|>", "<s>x</s> y <unk> <s>", "<bos>x<eos><pad><start_of_turn>user\n\n\n\n<h1>a</h1>", "<|im_star", "<<|im_end|>>",
    "<mask> x  <mask>  <r>  y", "<r> <mask>", "horse horses a horse, workhorse horse_ horse", "data Data DATA CAFÉ café  cafe\u0301 THE the",
    "<0x41><0x0A>", "▁▁▁ ▁a  b", "a   b", "x" * 40, "ab" * 33, "。" * 50, "12" * 30, " " * 65, "の" * 40 + "!", "aaaa" * 16 + " " + "the" * 20,
    "supercalifragilisticexpialidocious-antidisestablishmentarianism", "\ud7a3\u11a8 \u1112\u1175\u11c2",
    "\u1c89\ua7cb \U000105c0\U00010d40 \U0002ebf0 \U00016d63\U00016d67", "\U00011935\U00011930 \U00011938 \u32ff",
    "mixed 中文English混排123数字，punct。ok?", "the the the the horse is the first horse, the third is hungry",
]
HEX = ["ff", "61ff62", "c3", "61c3", "c328", "e4b8", "e4b8ade4b8", "f09f98", "f09f9861", "f0288cbc", "eda080", "c080", "f4908080",
       "fffefd", "e28228", "f8a1a1a1a1", "80808080", "63616665cc", "e4b8adff20e69687"]
REPEATED = [("a", 1000000), (" ", 100000), ("ab", 200000), ("é", 100000), ("中", 100000), ("9", 100000), ("\n", 50000),
            ("👍", 20000), ("e\u0301", 20000), ("a" + "\u0301" * 40, 200), ("the horse ", 20000), ("<|im_start|>", 5000)]


def text_of(case):
    if "hex" in case:
        return bytes.fromhex(case["hex"]).decode("utf-8", errors="replace")
    return case["s"] * case.get("n", 1)


def pack(ids):
    return struct.pack(f"<{len(ids)}i", *ids)


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def goldens(tok, cases, full):
    """A row a case: ids with special tokens; ids of the text as plain text,
    where they differ; decoded text with and without special tokens, where it
    is not the text itself. Not full: a digest of all four. For repeated texts
    the number and digest of the ids."""
    out = []
    for case in cases:
        text = text_of(case)
        ids = tok.encode(text).ids
        if "n" in case:
            if full:
                out.append([len(ids), digest(pack(ids))])
            continue
        tok.encode_special_tokens = True
        plain = tok.encode(text, add_special_tokens=False).ids
        tok.encode_special_tokens = False
        decoded, skipped = (tok.decode(ids, skip_special_tokens=skip) for skip in (False, True))
        if not full:
            out.append(digest(pack(ids) + b"|" + pack(plain) + b"|" + decoded.encode() + b"|" + skipped.encode()))
            continue
        row = {"ids": ids}
        if plain != tok.encode(text, add_special_tokens=False).ids:
            row["plain"] = plain
        if decoded != text:
            row["all"] = decoded
        if skipped != decoded:
            row["skip"] = skipped
        out.append(row)
    return out


def decode_digests(tok):
    """Digests of 300 decodes of 1 to 16 random ids, by a generator that the
    test repeats, with and without special tokens."""
    size = max(max(tok.get_vocab().values()) + 1, 1)
    out = []
    for skip in (False, True):
        state, h = 1, hashlib.sha256()
        for _ in range(300):
            ids = []
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            for _ in range(1 + (state >> 60)):
                state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                ids.append((state >> 33) % (size if state >> 62 else 270))
            h.update(tok.decode(ids, skip_special_tokens=skip).encode() + b"\n")
        out.append(h.hexdigest()[:16])
    return out


def unicode_digests():
    def of(test):
        h = hashlib.sha256()
        for c in range(0x110000):
            if not 0xD800 <= c <= 0xDFFF and test(chr(c)):
                h.update(struct.pack("<i", c))
        return h.hexdigest()[:16]

    out = {}
    for name, pattern in [("L", r"\p{L}"), ("N", r"\p{N}"), ("M", r"\p{M}"), ("upper", r"[\p{Lu}\p{Lt}]"),
                          ("Lm", r"\p{Lm}"), ("Lo", r"\p{Lo}"),
                          ("lower", r"\p{Ll}"), ("space", r"\s"), ("d", r"\d"), ("w", r"\w"),
                          ("class w", r"[\w]")]:
        n = normalizers.Replace(Regex(pattern), "")
        out[name] = of(lambda c: n.normalize_str(c) == "")
    d, p, w = pre_tokenizers.Digits(True), pre_tokenizers.Punctuation(), pre_tokenizers.Whitespace()
    out["numeric"] = of(lambda c: len(d.pre_tokenize_str("x" + c)) == 2)
    out["punctuation"] = of(lambda c: len(p.pre_tokenize_str("\u4e00" + c)) == 2)
    out["word"] = of(lambda c: [s for s, _ in w.pre_tokenize_str("a" + c)] == ["a" + c])
    a = normalizers.StripAccents()
    out["mark"] = of(lambda c: a.normalize_str(c) == "")
    bert = normalizers.BertNormalizer
    none = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean, han, accents = (bert(**{**none, k: True}) for k in ("clean_text", "handle_chinese_chars", "strip_accents"))
    out["bert control"] = of(lambda c: clean.normalize_str(c) == "")
    out["bert space"] = of(lambda c: clean.normalize_str(c) == " ")
    out["bert accent"] = of(lambda c: accents.normalize_str(c) == "")
    out["bert han"] = of(lambda c: han.normalize_str(c) == f" {c} ")
    for name in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase"]:
        n, h = getattr(normalizers, name)(), hashlib.sha256()
        for c in range(0x110000):
            if 0xD800 <= c <= 0xDFFF:
                continue
            h.update(n.normalize_str(chr(c)).encode())
        out[name] = h.hexdigest()[:16]
        # Short strings of letters and marks, by a generator that the test repeats.
        if name == "Lowercase":
            continue
        pool = ([0x41, 0x65, 0x6F, 0xE9, 0xEA, 0x1E69, 0x1100, 0x1161, 0x11A8, 0xAC00, 0x0915, 0x093C, 0x0F71, 0x0F72]
                + list(range(0x300, 0x370)) + list(range(0x591, 0x5C0)) + list(range(0x1AB0, 0x1AE0))
                + [0x0C04, 0x0C3C, 0x11930, 0x11935, 0x11938, 0x1E130, 0x897, 0xFB01, 0x3099, 0x304B])
        state, h = 1, hashlib.sha256()
        for _ in range(20000):
            s = ""
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            for _ in range(1 + (state >> 60)):
                state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                s += chr(pool[(state >> 33) % len(pool)])
            h.update(n.normalize_str(s).encode() + b"\n")
        out[name + "-mixed"] = h.hexdigest()[:16]
    return out


def dump(name, value):
    with open(name, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def main():
    base, sizes = {}, {}
    for make in (gpt2, llama3, qwen2, llama2, gemma, bert, xlmr):
        name = make.__name__
        path = pathlib.Path(f"{name}.tokenizer.json")
        if not path.exists():
            data = json.loads(make().to_str())
            if name in ("gpt2", "llama2"):  # the older spelling of merges
                data["model"]["merges"] = [" ".join(m) for m in data["model"]["merges"]]
            dump(path, data)
        base[name] = json.loads(path.read_text(encoding="utf-8"))
        sizes[name] = len(base[name]["model"]["vocab"])
    spec = variants(sizes)
    dump("variants.json", {k: {"base": b, "change": c} for k, (b, c) in spec.items()})
    cases = ([{"s": s} for s in CASES] + [{"hex": h} for h in HEX] + [{"s": s, "n": n} for s, n in REPEATED])
    dump("cases.json", cases)
    dump("lines.json", LINES)
    golden = {n: goldens(Tokenizer.from_str(json.dumps(d)), cases, True) for n, d in base.items()}
    decodes = {n: decode_digests(Tokenizer.from_str(json.dumps(d))) for n, d in base.items()}
    for name, (b, change) in spec.items():
        data = json.loads(json.dumps(base[b]))
        for key, value in change.items():
            if key == "model":
                data["model"].update(value)
            else:
                data[key] = value
        if name == "suffix":
            vocab = data["model"]["vocab"]
            for c in "aehnst.":
                vocab[c + "</w>"] = len(vocab)
            data["model"]["merges"] += ["h e</w>", "Ġ t"][:1]
            vocab["he</w>"] = len(vocab)
        tok = Tokenizer.from_str(json.dumps(data))
        golden[name], decodes[name] = goldens(tok, cases, False), decode_digests(tok)
    dump("golden.json", golden)
    dump("decode.json", decodes)
    dump("unicode.json", unicode_digests())


if __name__ == "__main__":
    main()
