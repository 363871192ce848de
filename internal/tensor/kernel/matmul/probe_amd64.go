//go:build !noasm

package matmul

func probeRead(b []byte) uint64 {
	if n := len(b) / 512; useAVX2 && n > 0 {
		return probeReadAVX2(&b[0], n)
	}
	return probeReadGo(b)
}

func probeInt8(n int) int {
	switch {
	case n <= 0:
		return 0
	case useVNNI:
		probeVNNI(n)
		return n * 16 * 128
	case useAVX2:
		probeMaddubs(n)
		return n * 8 * 64
	}
	return probeInt8Go(n)
}

func probeFloat32(n int) int {
	switch {
	case n <= 0:
		return 0
	case useVNNI:
		probeFMA512(n)
		return n * 16 * 32
	case useAVX2:
		probeFMA256(n)
		return n * 12 * 16
	}
	return probeFloat32Go(n)
}

// probeReadAVX2 reads n times 512 bytes.
//
//go:noescape
func probeReadAVX2(b *byte, n int) uint64

// probeVNNI runs n rounds of 16 VPDPBUSD of 64 bytes.
func probeVNNI(n int)

// probeMaddubs runs n rounds of 8 times VPMADDUBSW, VPMADDWD, VPADDD of 32 bytes.
func probeMaddubs(n int)

// probeFMA512 runs n rounds of 16 fused multiply-adds of 16 numbers.
func probeFMA512(n int)

// probeFMA256 runs n rounds of 12 fused multiply-adds of 8 numbers.
func probeFMA256(n int)

// vendorAMD reports whether the processor is made by AMD, by CPUID.
func vendorAMD() bool
