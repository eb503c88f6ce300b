"""Reads an export with MLCommons' and Hugging Face's libraries.

    python interop.py EXPORT...

An EXPORT is a folder that `troika data export` wrote. Its Croissant card must be
valid and of version 1.1, and yield every record of every split; its Hugging Face
card must lead the datasets library to the same records. Needs mlcroissant,
pyarrow and datasets at the versions of scripts/interop-requirements.txt.
"""

import json
import logging
import pathlib
import sys
import tempfile

import datasets
import mlcroissant

logging.disable(logging.WARNING)
datasets.disable_progress_bars()


def plain(value):
    return value.decode() if isinstance(value, bytes) else value


def said(turns):
    """Returns the roles and contents of messages, by whatever their keys begin with."""
    wanted = ("role", "content")
    return [{key.split("/")[-1]: plain(t[key]) for key in t if key.split("/")[-1] in wanted} for t in turns or []]


def record(get):
    return {"text": plain(get("text")), "messages": said(get("messages")), "rejected": said(get("rejected"))}


def croissant(folder):
    """Returns the records of each split, by their IDs, as the Croissant card leads to them."""
    card = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    issues = card.metadata.ctx.issues
    assert not issues.errors, issues.report()
    assert "http://mlcommons.org/croissant/1.1" in str(card.metadata.conforms_to), card.metadata.conforms_to
    out = {}
    for s in card.metadata.record_sets:
        out[s.id] = {plain(r[s.id + "/id"]): record(lambda name: r.get(f"{s.id}/{name}")) for r in card.records(s.id)}
    return out


def hub(folder):
    """Returns the same as the Hugging Face card leads to it."""
    with tempfile.TemporaryDirectory() as cache:
        splits = datasets.load_dataset(str(folder), cache_dir=cache)
        return {name: {r["id"]: record(r.get) for r in split} for name, split in splits.items()}


for name in sys.argv[1:]:
    folder = pathlib.Path(name)
    manifest = json.loads((folder / "manifest.json").read_text())
    want = {s["name"]: s["records"] for s in manifest["splits"] if s["records"]}
    one, other = croissant(folder), hub(folder)
    assert {k: len(v) for k, v in one.items()} == want, (name, {k: len(v) for k, v in one.items()}, want)
    assert one == other, f"{name}: the cards lead to different records"
    print(f"{folder.name}: mlcroissant and datasets read the same {sum(want.values())} records of {len(want)} splits")
