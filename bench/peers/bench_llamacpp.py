#!/usr/bin/env python3
"""Speed of llama.cpp on a GGUF file, for bench/compare: prompt and generation, at a depth, as llama-bench measures them.

usage: bench_llamacpp.py MODEL.gguf [prompt=512] [generate=32] [threads=2] [repetitions=3] [depth=0]

Needs PyPI's llama-cpp-python, built from source (CMAKE_ARGS=-DGGML_NATIVE=ON for all that the machine has;
-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON for AVX2 alone). FLASH=0 or 1 forces flash attention
off or on; without it llama.cpp decides. Prints one JSON object with promptRates and generateRates in tokens per second.
"""
import ctypes
import json
import os
import sys
import time

import llama_cpp as L

model_path = sys.argv[1]
prompt, generate, threads, repetitions, depth = (list(map(int, sys.argv[2:])) + [512, 32, 2, 3, 0][len(sys.argv) - 2:])[:5]


@L.llama_log_callback
def quiet(level, text, data):
    pass


L.llama_log_set(quiet, ctypes.c_void_p(0))
L.llama_backend_init()
mp = L.llama_model_default_params()
mp.n_gpu_layers = 0
start = time.perf_counter()
model = L.llama_model_load_from_file(model_path.encode(), mp)
load = time.perf_counter() - start
cp = L.llama_context_default_params()
cp.n_ctx = depth + max(prompt, generate) + 16
cp.n_batch = cp.n_ubatch = 512
cp.n_threads = cp.n_threads_batch = threads
if "FLASH" in os.environ:
    cp.flash_attn_type = int(os.environ["FLASH"])
ctx = L.llama_init_from_model(model, cp)
memory = L.llama_get_memory(ctx)
batch = L.llama_batch_init(512, 0, 1)


def decode(n, pos):
    """Runs n tokens at positions from pos on, in batches of at most 512; the last one's logits are computed."""
    while n > 0:
        m = min(n, 512)
        for i in range(m):
            batch.token[i] = 100 + ((pos + i) * 7919) % 40000
            batch.pos[i] = pos + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i == m - 1 and m == n
        batch.n_tokens = m
        if L.llama_decode(ctx, batch) != 0:
            sys.exit("llama_decode failed")
        L.llama_synchronize(ctx)
        n, pos = n - m, pos + m


def rate(n, step):
    start = time.perf_counter()
    step()
    return round(n / (time.perf_counter() - start), 2)


def one_by_one():
    for i in range(generate):
        decode(1, depth + i)


decode(1, 0)  # the first use of a context touches memory for the first time
L.llama_memory_clear(memory, True)
decode(depth, 0)
prompts, generates = [], []
for _ in range(repetitions):
    if prompt:
        prompts.append(rate(prompt, lambda: decode(prompt, depth)))
        L.llama_memory_seq_rm(memory, 0, depth, -1)
    generates.append(rate(generate, one_by_one))
    L.llama_memory_seq_rm(memory, 0, depth, -1)
print(json.dumps({
    "engine": "llama.cpp", "model": model_path, "threads": threads, "loadSeconds": round(load, 2), "depth": depth,
    "promptTokens": prompt, "promptRates": prompts, "generateTokens": generate, "generateRates": generates,
    "cpu": L.llama_print_system_info().decode(),
}))
