//go:build !noasm

package matmul

import (
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// TestKernelsWithoutVBMI compares the kernels for processors that have VNNI but not
// VBMI, which no tier of its own selects, with those that use both.
func TestKernelsWithoutVBMI(t *testing.T) {
	ok, restore := cpu.Only("avx512vnni")
	defer restore()
	if !ok || !useVBMI {
		t.Skip("not on this machine")
	}
	rng := rand.New(rand.NewPCG(41, 3))
	s := NewScratch()
	for typ := range vbmiKernels() {
		if layoutOf(typ).vnni == nil {
			continue
		}
		for _, cols := range colsFor(typ) {
			for _, n := range []int{1, 2, 3, 8, 13} {
				rows := 1 + rng.IntN(50)
				m, _ := pair(t, typ, rows, cols, randomRows(rng, typ, rows, cols))
				k := m.Kind(false)
				a := NewActs(n, cols)
				for i := range n {
					a.Set(k, i, randomFloats(rng, cols))
				}
				with, without := make([]float32, n*rows), guarded[float32](t, n*rows)
				Mul(with, rows, m, 0, m.Groups(), a, k, nil, n, s)
				useVBMI = false
				Mul(without, rows, m, 0, m.Groups(), a, k, nil, n, s)
				useVBMI = true
				if i := sameBits(without, with); i >= 0 {
					t.Fatalf("%s rows=%d cols=%d n=%d: value %d: without %v, with %v", typ, rows, cols, n, i, without[i], with[i])
				}
			}
		}
	}
}
