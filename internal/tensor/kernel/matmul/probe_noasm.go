//go:build noasm || !amd64

package matmul

func probeRead(b []byte) uint64 { return probeReadGo(b) }

func probeInt8(n int) int { return probeInt8Go(max(n, 0)) }

func probeFloat32(n int) int { return probeFloat32Go(max(n, 0)) }
