"""Writes blocks.json: block formats as the reference implementations read and write them.

    python generate.py /path/to/libggml-base.so

Ran on Python 3.11, numpy 2.4.6, gguf 0.19.0 (levels and values), and the ggml library
of llama-cpp-python 0.3.36 (errors of the K formats, which gguf does not quantise).
"""

import base64
import ctypes
import json
import pathlib
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf import quants

FORMATS = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K]
SIMPLE = FORMATS[:5]
K = FORMATS[5:]
ROWS, COLS = 24, 1024


def b64(a: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


def decoded(rng) -> dict:
    """Random blocks: every level and scale comes up, halves stay finite."""
    out = {}
    for t in FORMATS:
        elems, size = GGML_QUANT_SIZES[t]
        raw = rng.integers(0, 256, (12, size), dtype=np.uint8)
        halves = {T.Q4_1: [0, 2], T.Q5_1: [0, 2], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}.get(t, [0])
        for at in halves:
            raw[:, at + 1] &= 0xBF  # exponent below 16
        raw[0] = 0
        out[t.name] = {"raw": b64(raw), "values": b64(quants.dequantize(raw, t))}
    return out


def encoded(rng) -> dict:
    x = rng.standard_normal((40, 32)).astype(np.float32)
    x[1] = 0
    x[2] = 1.5
    x[3] = -1.5
    x[4] *= 1e-6  # the scale is subnormal
    x[5] *= 1000
    x[6] = np.abs(x[6])
    x[7] = -np.abs(x[7])
    x[8] = np.arange(32) - 16  # ties
    x[9] = (np.arange(32) - 16) / 2
    x[10, :] = 0
    x[10, 3], x[10, 17] = 2, -2  # two of the largest magnitude
    x[11] = np.float32(-0.0)
    x[12:20] = x[12:20] ** 3
    return {"x": b64(x), "bytes": {t.name: b64(quants.quantize(x, t)) for t in SIMPLE}}


def samples() -> dict:
    """Tensors that the test makes too: xorshift32, and arithmetic that is exact or
    rounds once in float32."""
    state = 2463534242

    def uniform(n):
        nonlocal state
        out = np.empty(n, np.float32)
        for i in range(n):
            state ^= (state << 13) & 0xFFFFFFFF
            state ^= state >> 17
            state ^= (state << 5) & 0xFFFFFFFF
            out[i] = np.float32(state >> 8) / np.float32(1 << 24) - np.float32(0.5)
        return out

    n = ROWS * COLS
    bell = uniform(n) + uniform(n)
    bell = (bell + uniform(n)) + uniform(n)
    tails = (bell * bell) * bell
    shifted = np.abs(bell) + np.float32(0.25)
    scaled = bell.reshape(-1, 16) * np.float32(2) ** (np.arange(n // 16) % 8).astype(np.float32)[:, None]
    return {"bell": bell, "flat": uniform(n), "tails": tails, "shifted": shifted, "scaled": scaled.ravel()}


def errors(lib) -> dict:
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    lib.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    out = {}
    for name, x in samples().items():
        x = np.ascontiguousarray(x, np.float32)
        out[name] = {}
        for t in K:
            elems, size = GGML_QUANT_SIZES[t]
            raw = np.zeros(x.size // elems * size, np.uint8)
            got = lib.ggml_quantize_chunk(t.value, x.ctypes.data, raw.ctypes.data, 0, ROWS, COLS, None)
            assert got == raw.size
            back = quants.dequantize(raw.reshape(-1, size), t).ravel().astype(np.float64)
            out[name][t.name] = float(np.sqrt(np.mean((back - x) ** 2)))
    return out


def main() -> None:
    rng = np.random.default_rng(7)
    golden = {"decode": decoded(rng), "encode": encoded(rng), "rmse": errors(ctypes.CDLL(sys.argv[1]))}
    path = pathlib.Path(__file__).with_name("blocks.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


main()
