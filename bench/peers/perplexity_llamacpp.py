#!/usr/bin/env python3
"""Perplexity by llama.cpp, window by window, in llama-perplexity's way.

usage: perplexity_llamacpp.py MODEL.gguf TEXT [context=512] [threads=2]      (needs PyPI's llama-cpp-python, built from source)

Windows of `context` tokens that do not overlap; the model sees each window alone; the tokens of its second half are scored
(the token at position i+1 under the logits at i, for i from context/2 to context-2). The first token of a window is replaced by BOS
where the model wants one. Prints one JSON object.
"""
import ctypes
import json
import sys

import llama_cpp as L
import numpy as np

model_path, text_path = sys.argv[1:3]
n_ctx = int(sys.argv[3]) if len(sys.argv) > 3 else 512
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 2


@L.llama_log_callback
def quiet(level, text, data):
    pass


L.llama_log_set(quiet, ctypes.c_void_p(0))
L.llama_backend_init()
mp = L.llama_model_default_params()
mp.n_gpu_layers = 0
model = L.llama_model_load_from_file(model_path.encode(), mp)
vocab = L.llama_model_get_vocab(model)
n_vocab = L.llama_vocab_n_tokens(vocab)
cp = L.llama_context_default_params()
cp.n_ctx = n_ctx
cp.n_batch = n_ctx
cp.n_ubatch = n_ctx
cp.n_threads = cp.n_threads_batch = threads
ctx = L.llama_init_from_model(model, cp)

text = open(text_path, "rb").read()
buf = (L.llama_token * (len(text) + 16))()
add_bos = L.llama_vocab_get_add_bos(vocab)
n = L.llama_tokenize(vocab, text, len(text), buf, len(buf), add_bos, False)
tokens = list(buf[:n])
nll, count, windows = 0.0, 0, []
for start in range(0, len(tokens) - n_ctx + 1, n_ctx):
    window = tokens[start:start + n_ctx]
    if add_bos:
        window[0] = L.llama_vocab_bos(vocab)
    L.llama_memory_clear(L.llama_get_memory(ctx), True)
    batch = L.llama_batch_init(n_ctx, 0, 1)
    batch.n_tokens = n_ctx
    for i, tok in enumerate(window):
        batch.token[i] = tok
        batch.pos[i] = i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = i >= n_ctx // 2
    if L.llama_decode(ctx, batch) != 0:
        sys.exit("llama_decode failed")
    w = 0.0
    for i in range(n_ctx // 2, n_ctx - 1):
        row = np.ctypeslib.as_array(L.llama_get_logits_ith(ctx, i), shape=(n_vocab,)).astype(np.float64)
        top = row.max()
        w += top + np.log(np.exp(row - top).sum()) - row[window[i + 1]]
        count += 1
    nll += w
    windows.append(round(float(np.exp(nll / count)), 4))
    L.llama_batch_free(batch)
print(json.dumps({"engine": "llama.cpp", "model": model_path, "text": text_path, "context": n_ctx, "tokens": len(tokens),
                  "scored": count, "perplexity": float(np.exp(nll / count)), "running": windows}))
