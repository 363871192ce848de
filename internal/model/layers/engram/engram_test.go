package engram

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The release's tables: the sizes of both layers follow from the primes.
func TestPrimesOfTheRelease(t *testing.T) {
	var list []int64
	for p := int64(16_000_000); len(list) < 48; p++ {
		if isPrime(p) {
			list = append(list, p)
		}
	}
	sum := func(x []int64) (n int64) {
		for _, v := range x {
			n += v
		}
		return n
	}
	got := []int64{list[0], list[1], list[2], list[23], list[24], list[47], sum(list[:24]), sum(list[24:])}
	want := []int64{16000057, 16000079, 16000081, 16000463, 16000477, 16000889, 384006168, 384016682}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	offsets := runningSums(list, 24)
	if offsets[0] != 0 || offsets[24] != 0 || offsets[2] != list[0]+list[1] {
		t.Errorf("offsets begin with %v", offsets[:3])
	}
}

func TestFP8Rows(t *testing.T) {
	raw := make([]byte, 64+2)
	raw[0], raw[1], raw[32] = 0x7e, 0x38, 0x38 // 448, 1, 1
	raw[64], raw[65] = 127, 128                // scales 1 and 2
	x := make([]float32, 64)
	readFP8(x, raw)
	if x[0] != 448 || x[1] != 1 || x[32] != 2 || x[2] != 0 {
		t.Errorf("values are %v, %v, %v, %v; expected 448, 1, 2, 0", x[0], x[1], x[32], x[2])
	}
}
