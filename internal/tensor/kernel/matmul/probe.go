package matmul

import "encoding/binary"

// The probes measure what the machine could do at best, so that the speed of a
// model can be stated as a share of it.

// ProbeRead reads all of b, whose length should be a multiple of 512, and
// returns a value that depends on it. Time it over memory larger than the
// caches, on one or on all threads, for the read bandwidth.
func ProbeRead(b []byte) uint64 { return probeRead(b) }

// ProbeInt8 runs n rounds of independent int8 dot products with the widest
// instructions that the kernels use, and returns the number of operations: a
// multiplication and an addition count as two.
func ProbeInt8(n int) (ops int) { return probeInt8(n) }

// ProbeFloat32 is ProbeInt8 for fused multiply-adds of float32 numbers.
func ProbeFloat32(n int) (ops int) { return probeFloat32(n) }

func probeReadGo(b []byte) uint64 {
	var s0, s1, s2, s3 uint64
	for len(b) >= 32 {
		s0 |= binary.LittleEndian.Uint64(b)
		s1 |= binary.LittleEndian.Uint64(b[8:])
		s2 |= binary.LittleEndian.Uint64(b[16:])
		s3 |= binary.LittleEndian.Uint64(b[24:])
		b = b[32:]
	}
	return s0 | s1 | s2 | s3
}

func probeInt8Go(n int) int {
	a, b := [64]int8{1, 2, 3}, [64]int8{4, 5, 6}
	for range n {
		a[0] = int8(dot(a[:], b[:]))
	}
	return 2 * len(a) * n
}

func probeFloat32Go(n int) int {
	var s [8]float32
	for i := range n {
		for k := range s {
			s[k] += float32(i) * 1.5
		}
	}
	if s[0] < 0 {
		panic("matmul: a sum of positive numbers is negative") // keeps the loop alive
	}
	return 2 * len(s) * n
}
