//go:build !noasm

package probe

import "github.com/holdfast-llm/holdfast/internal/machine/cpu"

// The instructions that the loops need. They measure the machine and not the
// program, so no tier that is forced for kernels concerns them.
var (
	hasAVX2   = cpu.Has("avx2")
	hasAVX512 = cpu.Has("avx512")
	hasVNNI   = cpu.Has("avx512vnni")
)

func read(b []byte) uint64 {
	if !hasAVX2 || len(b) == 0 {
		return readGo(b)
	}
	return readAVX2(&b[0], len(b))
}

// loops returns one loop per kind: the widest that the machine has.
func loops() []loop {
	var out []loop
	switch {
	case hasAVX512:
		out = append(out, loop{"f32", "avx512", 16 * 16 * 2, fmaAVX512})
	case hasAVX2:
		out = append(out, loop{"f32", "avx2", 12 * 8 * 2, fmaAVX2})
	}
	switch {
	case hasVNNI:
		out = append(out, loop{"int8", "avx512vnni", 16 * 64 * 2, dotVNNI})
	case hasAVX2:
		out = append(out, loop{"int8", "avx2", 8 * 32 * 2, dotAVX2})
	}
	return out
}

// readAVX2 ors all n bytes together, n a multiple of 512 and more than 0.
//
//go:noescape
func readAVX2(p *byte, n int) uint64

// fmaAVX2 runs n rounds of 12 multiply-adds of 8 float32 each: as many as hide
// the latency of 4 cycles on two or three units.
//
//go:noescape
func fmaAVX2(n int)

// fmaAVX512 runs n rounds of 16 multiply-adds of 16 float32 each.
//
//go:noescape
func fmaAVX512(n int)

// dotVNNI runs n rounds of 16 VPDPBUSD of 64 products each.
//
//go:noescape
func dotVNNI(n int)

// dotAVX2 runs n rounds of 8 times what a dot product of bytes takes without
// VNNI: multiply and add pairs to int16, pairs of those to int32, add.
//
//go:noescape
func dotAVX2(n int)
