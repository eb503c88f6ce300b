"""Writes Parquet files with pyarrow, a library that shares no code with the
reader under test, and what they hold as JSONL.

Ran on: Python 3.11, pyarrow 26.0.1. All text is our own.
"""
import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq

N = 500
rows = [
    {
        "text": "Pears are sweet. 梨很甜。 Row %d." % i,
        "n": i,
        "score": i / 4,
        "good": i % 2 == 0,
        "maybe": None if i % 3 == 0 else "yes %d" % i,
        "day": datetime.date(2024, 1, 1 + i % 28),
        "at": datetime.datetime(2024, 5, 6, 7, 8, 9, 1000 * (i % 7), tzinfo=datetime.timezone.utc),
        "price": decimal.Decimal(i) / 100,
    }
    for i in range(N)
]
schema = pa.schema([
    ("text", pa.string()), ("n", pa.int64()), ("score", pa.float64()), ("good", pa.bool_()), ("maybe", pa.string()),
    ("day", pa.date32()), ("at", pa.timestamp("us", tz="UTC")), ("price", pa.decimal128(9, 2)),
])
flat = pa.Table.from_pylist([{**r, "price": r["price"].quantize(decimal.Decimal("0.01"))} for r in rows], schema=schema)
for name, more in {
    "snappy": {"compression": "snappy"},
    "zstd": {"compression": "zstd", "data_page_version": "2.0", "row_group_size": 120},
    "gzip": {"compression": "gzip", "use_dictionary": False},
    "plain": {"compression": "none", "data_page_size": 2000},
}.items():
    pq.write_table(flat, "flat-%s.parquet" % name, **more)

with open("flat.jsonl", "w") as f:
    for r in rows:
        at = r["at"].strftime("%Y-%m-%dT%H:%M:%S")
        if r["at"].microsecond:
            at += (".%06d" % r["at"].microsecond).rstrip("0")
        out = [["text", r["text"]], ["n", str(r["n"])], ["score", ("%g" % r["score"])], ["good", "true" if r["good"] else "false"]]
        if r["maybe"]:
            out.append(["maybe", r["maybe"]])
        out += [["day", r["day"].isoformat()], ["at", at + "Z"], ["price", format(r["price"].normalize(), "f")]]
        f.write(json.dumps(out, ensure_ascii=False) + "\n")

nested = pa.Table.from_pylist(
    [
        {"id": "a", "messages": [{"role": "user", "content": "Are pears sweet?"}, {"role": "assistant", "content": "Yes."}], "tags": ["x", "y"], "meta": {"n": 1, "deep": {"v": [1, 2]}}},
        {"id": "b", "messages": [], "tags": None, "meta": {"n": None, "deep": {"v": []}}},
        {"id": "c", "messages": [{"role": "user", "content": None}], "tags": [None, "梨"], "meta": None},
    ],
    schema=pa.schema([
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("tags", pa.list_(pa.string())),
        ("meta", pa.struct([("n", pa.int32()), ("deep", pa.struct([("v", pa.list_(pa.int64()))]))])),
    ]),
)
pq.write_table(nested, "nested.parquet")
