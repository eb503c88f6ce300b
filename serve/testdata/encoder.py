"""Makes a small encoder with random weights, and what transformers embeds with it.

Ran on: Python 3.11, transformers 5.23.0, tokenizers 0.23.3, torch 2.15.0.
Usage: python encoder.py FOLDER
"""

import json
import pathlib
import sys

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

folder = pathlib.Path(sys.argv[1])
words = "[PAD] [UNK] [CLS] [SEP] the a file open close grass is green ##s ##ing 天 空 蓝 色 . ?".split()
tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=64)
torch.manual_seed(3)
model = BertModel(BertConfig(
    vocab_size=len(words), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
    max_position_embeddings=64, initializer_range=0.4)).eval()
model.save_pretrained(folder)
fast.save_pretrained(folder)
pooling = folder / "1_Pooling"
pooling.mkdir(exist_ok=True)
(pooling / "config.json").write_text(json.dumps({"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True}))
(folder / "modules.json").write_text(json.dumps([
    {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
    for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])]))
texts = ["Opening a file.", "Grass is green.", "天空 is 蓝色?"]
vectors = []
for text in texts:
    with torch.no_grad():
        v = model(**fast(text, return_tensors="pt")).last_hidden_state[0].mean(0)
    vectors.append((v / v.norm()).tolist())
(folder / "expected.json").write_text(json.dumps({"texts": texts, "vectors": vectors}))
