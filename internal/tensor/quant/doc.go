// Package quant defines the block formats in which GGUF files store weights.
//
// A quantised tensor is a sequence of blocks. A block holds 32, 64 or 256
// consecutive elements of a row as small integer codes, with one or more
// scales (and for some types minimums) that turn the codes into numbers:
//
//	value = scale*code + min
//
// Type names a format and knows its sizes. Dequantize is the definition of
// every format: whatever faster code does, it must agree with it. Unpack shows
// a row as int8 codes with float32 scales, which is what an integer matrix
// product wants. Quantize makes blocks from floats, with plain
// round-to-nearest encoders: good enough for caches and tests, not a
// replacement for the searching encoders that produce published files.
//
// Nothing here keeps state or starts goroutines; all functions may be called
// from several goroutines at once.
package quant
