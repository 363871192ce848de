#!/usr/bin/env python3
"""Greedy continuation by llama.cpp with a float32 cache, to make golden texts.

usage: greedy_llamacpp.py MODEL.gguf N PROMPT...      (needs PyPI's llama-cpp-python; special tokens in PROMPT are recognised)

Prints one JSON object a prompt: the prompt's ids, the N ids that follow by argmax, their text, and the smallest gap between the
best two logits on the way. On a file of dequantized float32 weights this is the exact answer but for rounding.
"""
import ctypes
import json
import sys

import llama_cpp as L
import numpy as np


@L.llama_log_callback
def quiet(level, text, data):
    pass


L.llama_log_set(quiet, ctypes.c_void_p(0))
L.llama_backend_init()
model = L.llama_model_load_from_file(sys.argv[1].encode(), L.llama_model_default_params())
vocab = L.llama_model_get_vocab(model)
n_vocab = L.llama_vocab_n_tokens(vocab)
for prompt in sys.argv[3:]:
    cp = L.llama_context_default_params()
    cp.n_ctx, cp.n_batch, cp.n_threads, cp.n_threads_batch = 2048, 2048, 2, 2
    cp.type_k = cp.type_v = 0  # float32
    cp.flash_attn_type = 0
    ctx = L.llama_init_from_model(model, cp)
    raw = prompt.encode()
    buf = (L.llama_token * (len(raw) + 16))()
    n = L.llama_tokenize(vocab, raw, len(raw), buf, len(buf), False, True)
    ids, out, gap = list(buf[:n]), [], 1e9
    feed = ids
    for _ in range(int(sys.argv[2])):
        arr = (L.llama_token * len(feed))(*feed)
        if L.llama_decode(ctx, L.llama_batch_get_one(arr, len(feed))) != 0:
            sys.exit("llama_decode failed")
        row = np.ctypeslib.as_array(L.llama_get_logits_ith(ctx, -1), shape=(n_vocab,))
        best = np.argsort(row)[-2:]
        gap = min(gap, float(row[best[1]] - row[best[0]]))
        tok = int(best[1])
        out.append(tok)
        if L.llama_vocab_is_eog(vocab, tok):
            break
        feed = [tok]
    text = b""
    piece = ctypes.create_string_buffer(256)
    for tok in out:
        size = L.llama_token_to_piece(vocab, tok, piece, 256, 0, False)
        text += piece.raw[:size]
    print(json.dumps({"prompt": prompt, "prompt_ids": ids, "ids": out, "text": text.decode("utf-8", "replace"), "smallest_gap": gap}, ensure_ascii=False))
    L.llama_free(ctx)
