package matmul

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
)

func TestProbes(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		b := guarded[byte](t, 4096)
		b[4095] = 1
		if ProbeRead(b) == 0 && ProbeRead(b[:512]) == 0 {
			// A vector body joins lanes, so only the portable one shows every
			// byte; what matters here is that none reads past the end.
			t.Log("the last byte is in a lane that is not returned")
		}
		if ProbeRead(b[:0]) != 0 {
			t.Fatal("a read of nothing gave a value")
		}
		for _, n := range []int{0, 1, 100} {
			if ops := ProbeInt8(n); ops != n*ProbeInt8(1) {
				t.Fatalf("ProbeInt8(%d): %d operations, want %d", n, ops, n*ProbeInt8(1))
			}
			if ops := ProbeFloat32(n); ops != n*ProbeFloat32(1) {
				t.Fatalf("ProbeFloat32(%d): %d operations, want %d", n, ops, n*ProbeFloat32(1))
			}
		}
	})
}
