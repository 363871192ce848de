package matmul

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestManyRowsEqualPortable multiplies more rows than any kernel takes at a time, in
// order and by their numbers.
func TestManyRowsEqualPortable(t *testing.T) {
	want := map[quant.Type][]float32{}
	cputest.Each(t, func(t *testing.T) {
		s := NewScratch()
		for _, typ := range []quant.Type{quant.Q4_K, quant.Q6_K, quant.Q2_K, quant.Q8_0, quant.Q4_1, quant.IQ2_S} {
			rng := rand.New(rand.NewPCG(31, uint64(typ)))
			const rows, cols, n = 37, 1280, 107
			m, _ := pair(t, typ, rows, cols, randomRows(rng, typ, rows, cols))
			k := m.Kind(false)
			a := NewActs(n, cols)
			for i := range n {
				a.Set(k, i, randomFloats(rng, cols))
			}
			got := guarded[float32](t, n*rows)
			Mul(got, rows, m, 0, m.Groups(), a, k, nil, n, s)
			if want[typ] == nil {
				want[typ] = slices.Clone(got)
			}
			if i := sameBits(got, want[typ]); i >= 0 {
				t.Fatalf("%s: value %d: got %v, portable %v", typ, i, got[i], want[typ][i])
			}
			list := make([]int32, n)
			for i := range list {
				list[i] = int32(n - 1 - i)
			}
			Mul(got, rows, m, 0, m.Groups(), a, k, list, n, s)
			for i, r := range list {
				if o := sameBits(got[i*rows:][:rows], want[typ][int(r)*rows:][:rows]); o >= 0 {
					t.Fatalf("%s: row %d by its number: value %d: got %v, portable %v", typ, r, o, got[i*rows+o], want[typ][int(r)*rows+o])
				}
			}
		}
	})
}
