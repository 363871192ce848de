#!/usr/bin/env python3
"""Writes the test vectors of package quant, all from outside sources.

    python -m venv v && v/bin/pip install numpy==2.4.6 gguf==0.19.0 llama-cpp-python==0.3.36
    v/bin/python gen.py

The values of a type come from the `gguf` package and from ggml's C library
(inside llama-cpp-python), which have to agree bit for bit where both know the
type. Q8_1 is known to neither; its values are computed here.

NAME.bin   one file per type, little-endian:
           uint32 n; n blocks; their n*elems float32 values;
           ROW elements of synthetic(0) as ggml's own encoder packs them
hashes.txt per type: name, number of blocks, sha256 of the float32 values of
           that many blocks of random bytes (splitmix64, seed = type id)
encoded.txt per type: name, sha256 of the blocks that the reference encoder
           makes of 64 rows (see encoder_rows)

In values, every NaN is 0x7FC00000.
"""
import ctypes
import hashlib
import os
import struct

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = 4096
NAMES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K",
         "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S", "IQ1_M", "IQ4_NL", "IQ4_XS",
         "TQ1_0", "TQ2_0", "MXFP4", "NVFP4"]
# byte offsets of the f16 scales of a block
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q8_1": [0, 2],
          "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
          "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "IQ1_S": [0],
          "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64]}

lib = ctypes.CDLL(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", "libggml-base.so"))
lib.ggml_quantize_requires_imatrix.restype = ctypes.c_bool
lib.ggml_quantize_chunk.restype = ctypes.c_size_t
lib.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]


SIZES = dict(gguf.GGML_QUANT_SIZES)
SIZES[T.Q8_1] = (32, 36)  # the package still has the 40 bytes of an old version


def splitmix(seed, nbytes):
    n = (nbytes + 7) // 8
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).view(np.uint8)[:nbytes].copy()


def synthetic(offset):
    i = np.arange(ROW, dtype=np.float32)
    return (0.1 + 2.0 * np.cos(i + np.float32(offset)).astype(np.float64)).astype(np.float32)


def canonical(x):
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32).reshape(-1).copy()
    bits[(bits & 0x7FFFFFFF) > 0x7F800000] = 0x7FC00000
    return bits


def values(name, blocks):
    """Values of blocks, a uint8 array of whole blocks, as canonical bits."""
    elems, size = SIZES[T[name]]
    n = blocks.size // size
    found = []
    with np.errstate(all="ignore"):
        if name == "Q8_1":
            b = blocks.reshape(n, size)
            found.append(canonical(b[:, :2].copy().view(np.float16).astype(np.float32) * b[:, 4:].view(np.int8).astype(np.float32)))
        if T[name] in quants._type_traits:
            found.append(canonical(quants.dequantize(blocks.reshape(n, size), T[name])))
    f = getattr(lib, "dequantize_row_" + name.lower().replace("_k", "_K"), None) if name != "Q8_1" else None
    if f is not None:
        out = np.empty(n * elems, dtype=np.float32)
        f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        f.restype = None
        f(blocks.ctypes.data, out.ctypes.data, n * elems)
        found.append(canonical(out))
    for other in found[1:]:
        differ = np.nonzero(found[0] != other)[0]
        assert differ.size == 0, f"{name}: sources disagree at {differ[:8]}: {found[0][differ[:8]]} {other[differ[:8]]}"
    print(f"{name}: {len(found)} source(s) agree on {n} blocks")
    return found[0]


def set_scale(name, block, k, half):
    if name == "Q8_K":
        block[0:4] = np.frombuffer(struct.pack("<f", np.uint16(half).view(np.float16)), np.uint8)
    elif name == "MXFP4":
        block[0] = [0, 1, 2, 3, 127, 128, 253, 254, 255, 120][k % 10]
    elif name == "NVFP4":
        block[0:4] = np.roll(np.array([0, 1, 7, 8, 0x38, 0x77, 0x7E, 0x7F, 0x80, 0x87, 0xFE, 0xFF], np.uint8), 4 * k)[:4]
    elif name == "IQ1_M":
        for i in range(4):
            block[49 + 2 * i] = (block[49 + 2 * i] & 0x0F) | ((half >> (4 * i)) & 15) << 4
    else:
        for i, off in enumerate(HALVES[name]):
            block[off:off + 2] = np.frombuffer(struct.pack("<H", half if i == 0 else (half ^ 0x8000) + 7 & 0xFFFF), np.uint8)


def special_blocks(name, n):
    """n blocks: ordinary, extreme and odd scales over random and extreme codes."""
    size = SIZES[T[name]][1]
    blocks = splitmix(1000 + T[name], n * size).reshape(n, size)
    halves = [0x2C9A, 0xA7D1, 0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0x0400, 0x3C00, 0xB555]
    for k in range(n):
        if k % 7 == 5:
            blocks[k] = 0xFF
        if k % 7 == 6:
            blocks[k] = 0
        set_scale(name, blocks[k], k, halves[k % len(halves)])
    return blocks.reshape(-1)


def encode(name, x):
    elems, size = SIZES[T[name]]
    x = np.ascontiguousarray(x, dtype=np.float32)
    out = np.zeros(x.size // elems * size, dtype=np.uint8)
    ones = np.ones(x.size, dtype=np.float32)
    if name in ("Q8_1", "Q8_K"):
        f = getattr(lib, f"quantize_row_{name.lower().replace('_k', '_K')}_ref")
        f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        f.restype = None
        f(x.ctypes.data, out.ctypes.data, x.size)
        return out
    imatrix = ones.ctypes.data if lib.ggml_quantize_requires_imatrix(int(T[name])) else None
    n = lib.ggml_quantize_chunk(int(T[name]), x.ctypes.data, out.ctypes.data, 0, 1, x.size, imatrix)
    assert n == out.size, (name, n, out.size)
    return out


def encoder_rows():
    """64 rows of 256 small multiples of 1/64 with a scale per row: no two
    roundings of an encoder depend on the order of its operations."""
    b = splitmix(7, 64 * 256).view(np.int8).astype(np.float32).reshape(64, 256)
    scale = (2.0 ** (np.arange(64) % 16 - 8)).astype(np.float32).reshape(64, 1)
    rows = b * scale
    rows[63] = 0
    return rows


def main():
    hashes, encoded = [], []
    for name in NAMES:
        elems, size = SIZES[T[name]]
        n = 1536 // elems if elems < 256 else 7
        blocks = special_blocks(name, n)
        with open(os.path.join(HERE, name + ".bin"), "wb") as f:
            f.write(struct.pack("<I", n) + blocks.tobytes() + values(name, blocks).astype("<u4").tobytes())
            f.write(encode(name, synthetic(0)).tobytes())
        many = 65536 // elems
        digest = hashlib.sha256(values(name, splitmix(int(T[name]), many * size)).astype("<u4").tobytes())
        hashes.append(f"{name} {many} {digest.hexdigest()}\n")
        if name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q8_K", "TQ1_0", "TQ2_0", "MXFP4"):
            out = b"".join(encode(name, row).tobytes() for row in encoder_rows())
            encoded.append(f"{name} {hashlib.sha256(out).hexdigest()}\n")
    for file, lines in (("hashes.txt", hashes), ("encoded.txt", encoded)):
        with open(os.path.join(HERE, file), "w") as f:
            f.writelines(lines)


if __name__ == "__main__":
    main()
