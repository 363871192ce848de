// Package tokenizer turns text into the token ids of a model and back.
//
// A vocabulary comes from the tokenizer.ggml.* keys of a GGUF file. Two kinds
// are understood: byte-level BPE ("gpt2": every DeepSeek, Qwen, Llama 3 and
// SmolLM vocabulary) and SentencePiece BPE ("llama").
//
// Encoding takes five steps:
//
//  1. partition: special tokens are cut out of the text, but only where the
//     caller says that the text is its own (see [Span]);
//  2. normalization: broken UTF-8 becomes U+FFFD, Qwen text becomes NFC;
//  3. splitting: the pre-tokenizer cuts the text into words, numbers, runs of
//     punctuation and of blanks (split*.go, one hand-written scanner per rule);
//  4. merging: neighbouring symbols of a word are joined by the vocabulary's
//     merge list until nothing more can be joined (merge.go);
//  5. the words that came up recently are kept with their ids (cache.go).
//
// The rules are those of the vocabularies' publishers, as Hugging Face
// tokenizers runs them, not those of llama.cpp where the two differ.
//
// A [Tokenizer] never changes after it was made: all methods may be called from
// several goroutines. A [Stream] belongs to one.
package tokenizer
