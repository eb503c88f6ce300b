"""Writes reference.gguf and a split of it with the gguf package of llama.cpp.

Ran on Python 3.11, numpy 2.4.6, gguf 0.19.0.
"""

import pathlib

import numpy as np
import gguf
from gguf import GGMLQuantizationType as T, GGUFValueType as V

HERE = pathlib.Path(__file__).parent


def fill(w: gguf.GGUFWriter, every_value: bool) -> None:
    rng = np.random.default_rng(3)
    if every_value:
        w.add_key_value("v.u8", 200, V.UINT8)
        w.add_key_value("v.i8", -100, V.INT8)
        w.add_key_value("v.u16", 65535, V.UINT16)
        w.add_key_value("v.i16", -2, V.INT16)
        w.add_key_value("v.u32", 1 << 31, V.UINT32)
        w.add_key_value("v.i32", -5, V.INT32)
        w.add_key_value("v.f32", 1e-6, V.FLOAT32)
        w.add_key_value("v.bool", True, V.BOOL)
        w.add_key_value("v.text", "héllo 世界\n", V.STRING)
        w.add_key_value("v.empty", "", V.STRING)
        w.add_key_value("v.u64", (1 << 64) - 1, V.UINT64)
        w.add_key_value("v.i64", -(1 << 63), V.INT64)
        w.add_key_value("v.f64", 3.141592653589793, V.FLOAT64)
        w.add_array("a.text", ["a", "", "第三"])
        w.add_array("a.i32", [1, -2, 3])
        w.add_array("a.f32", [0.5, -1.25])
        w.add_array("a.bool", [True, False, True])
        w.add_array("a.bytes", b"\x00\xff")
        w.add_array("a.nested", [[1, 2], [3]])
    w.add_tensor("plain.f32", rng.standard_normal((3, 5)).astype(np.float32))
    w.add_tensor("plain.f16", rng.standard_normal((2, 3, 4)).astype(np.float16))
    w.add_tensor("plain.i32", np.arange(7, dtype=np.int32))
    x = rng.standard_normal((2, 64)).astype(np.float32)
    for t in (T.BF16, T.Q8_0, T.Q4_0, T.Q5_1):
        w.add_tensor("blocks." + t.name, gguf.quants.quantize(x, t), raw_dtype=t)
    if not every_value:
        w.add_tensor("blocks.Q2_K", np.zeros((1, 84), np.uint8), raw_dtype=T.Q2_K)


def write(name: str, every_value: bool, **split) -> None:
    w = gguf.GGUFWriter(str(HERE / name), "test", **split)
    fill(w, every_value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


write("reference.gguf", True)
write("split.gguf", False, split_max_tensors=3)
