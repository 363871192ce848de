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
// product wants. Quantize makes blocks from floats, with encoders that are good
// enough for caches, tests and synthetic models; published files come from
// encoders that search longer.
//
// The values are checked, bit for bit, against two outside decoders; see
// testdata/gen.py.
//
// Nothing here keeps state or starts goroutines; all functions may be called
// from several goroutines at once.
package quant
