package hyper

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// With no preference every stream gives a quarter to every other.
func TestSinkhornOfZeros(t *testing.T) {
	c := make([]float64, 16)
	sinkhorn(c, 4, 20, 1e-6)
	for i, v := range c {
		if math.Abs(v-0.25) > 1e-6 {
			t.Errorf("entry %d is %v, expected 0.25", i, v)
		}
	}
}

// Whatever the input, columns sum to 1 and rows nearly so.
func TestSinkhornBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.IntRange(1, MaxStreams).Draw(t, "streams")
		c := rapid.SliceOfN(rapid.Float64Range(-4, 4), s*s, s*s).Draw(t, "c")
		sinkhorn(c, s, 50, 1e-6)
		for i := range s {
			row, col := 0.0, 0.0
			for j := range s {
				row += c[i*s+j]
				col += c[j*s+i]
			}
			if math.Abs(col-1) > 1e-5 || math.Abs(row-1) > 1e-2 {
				t.Fatalf("row %d sums to %v, column %d to %v", i, row, i, col)
			}
		}
	})
}
