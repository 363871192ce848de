package matmul

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// colsFor returns test widths that suit a type.
func colsFor(t quant.Type) []int {
	switch t.BlockElems() {
	case 1:
		return []int{1, 7, 33, 64, 576, 1100}
	case 256:
		return []int{256, 768, 2304}
	case 64:
		return []int{64, 192, 576}
	}
	return []int{32, 64, 96, 160, 192, 288, 576, 2304}
}

func TestRowEqualsDequantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, typ := range testTypes() {
		for _, cols := range colsFor(typ) {
			rows := 1 + rng.IntN(40)
			src := randomRows(rng, typ, rows, cols)
			packed, raw := pair(t, typ, rows, cols, src)
			want := dequantized(t, typ, rows, cols, src)
			got := make([]float32, cols)
			for r := range rows {
				for name, m := range map[string]*Matrix{"packed": packed, "raw": raw} {
					Row(got, m, r)
					for c, v := range got {
						if v != want[r][c] {
							t.Fatalf("%s %s %dx%d: row %d column %d: got %v, want %v", typ, name, rows, cols, r, c, v, want[r][c])
						}
					}
				}
			}
		}
	}
}

// bound is the allowed error of a float32 sum of n terms with the given sum of
// magnitudes. Rounding errors of a sum grow like its length at worst.
func bound(n int, mag float64) float64 { return float64(n+4) * mag * 0x1p-24 }

func TestMulAgainstFloat64(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		s := NewScratch()
		for _, typ := range testTypes() {
			for _, cols := range colsFor(typ) {
				rows, n := 1+rng.IntN(50), 1+rng.IntN(33)
				checkMul(t, rng, s, typ, rows, cols, n, false)
				checkMul(t, rng, s, typ, 1+rng.IntN(20), cols, 1+rng.IntN(4), true)
			}
		}
	})
}

func checkMul(t *testing.T, rng *rand.Rand, s *Scratch, typ quant.Type, rows, cols, n int, exact bool) {
	t.Helper()
	src := randomRows(rng, typ, rows, cols)
	packed, raw := pair(t, typ, rows, cols, src)
	w := dequantized(t, typ, rows, cols, src)
	k := packed.Kind(exact)
	a := NewActs(n, cols)
	for i := range n {
		a.Set(k, i, randomFloats(rng, cols))
	}
	got, same := make([]float32, n*rows), make([]float32, n*rows)
	Mul(got, rows, packed, 0, packed.Groups(), a, k, nil, n, s)
	Mul(same, rows, raw, 0, raw.Groups(), a, k, nil, n, s)
	if i := sameBits(got, same); i >= 0 {
		t.Fatalf("%s %dx%d n=%d %s: value %d: packed %v, raw %v", typ, rows, cols, n, k, i, got[i], same[i])
	}
	for i := range n {
		x := a.value(k, i, cols)
		for o := range rows {
			want, mag := product(w[o], x)
			// The K types' minimums and codes cancel in the sum of magnitudes
			// but not in the parts that are rounded: hence the factor.
			limit := 8*bound(cols, mag) + sumError(packed, k, w[o], x)
			if err := math.Abs(float64(got[i*rows+o]) - want); err > limit {
				t.Fatalf("%s %dx%d n=%d %s: row %d output %d: got %v, want %v, error %v above %v",
					typ, rows, cols, n, k, i, o, got[i*rows+o], want, err, limit)
			}
		}
	}
}

// sumError bounds what the rounding of a Q8 unit's sum to 11 bits adds to a
// product: types with a minimum multiply it with that sum. The minimum is the
// weight of code 0; the factor allows for blocks that do not have that code.
func sumError(m *Matrix, k Kind, w, x []float32) float64 {
	if k != Q8 || m.lay == nil || !m.lay.hasMin {
		return 0
	}
	var e float64
	for o := 0; o < len(x); o += q8Cols {
		var most, sum float64
		for i := o; i < o+q8Cols; i++ {
			most = max(most, math.Abs(float64(w[i])))
			sum += float64(x[i])
		}
		e += 4 * most * math.Abs(sum) * 0x1p-11
	}
	return e
}

// TestMulIsBatchInvariant computes rows alone, and in other companies and
// orders, and in parts of the outputs.
func TestMulIsBatchInvariant(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		s := NewScratch()
		for _, typ := range testTypes() {
			cols := colsFor(typ)[rng.IntN(len(colsFor(typ)))]
			rows := 33 + rng.IntN(20)
			src := randomRows(rng, typ, rows, cols)
			m, _ := pair(t, typ, rows, cols, src)
			k := m.Kind(false)
			const n = 33
			a := NewActs(n, cols)
			for i := range n {
				a.Set(k, i, randomFloats(rng, cols))
			}
			all := make([]float32, n*rows)
			Mul(all, rows, m, 0, m.Groups(), a, k, nil, n, s)
			for cnt := 1; cnt <= n; cnt += 1 + cnt/9 {
				list := make([]int32, cnt)
				for i := range list {
					list[i] = int32(rng.IntN(n))
				}
				got := make([]float32, cnt*rows)
				for g := range m.Groups() {
					Mul(got, rows, m, g, g+1, a, k, list, cnt, s)
				}
				for i, r := range list {
					if o := sameBits(got[i*rows:][:rows], all[int(r)*rows:][:rows]); o >= 0 {
						t.Fatalf("%s cols=%d: row %d output %d among %d: got %v, in all %v", typ, cols, r, o, cnt, got[i*rows+o], all[int(r)*rows+o])
					}
				}
			}
		}
	})
}

func TestMulAddAddsTheSums(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		s := NewScratch()
		for _, typ := range []quant.Type{quant.Q4_K, quant.Q8_0, quant.F16, quant.BF16, quant.IQ2_S, quant.IQ1_M, quant.TQ1_0, quant.NVFP4} {
			const rows, cols, n, ld = 37, 512, 14, 41 // two whole groups and a part
			m, _ := pair(t, typ, rows, cols, randomRows(rng, typ, rows, cols))
			k := m.Kind(false)
			a := NewActs(n, cols)
			for i := range n {
				a.Set(k, i, randomFloats(rng, cols))
			}
			base := randomFloats(rng, n*ld)
			sum, got := append([]float32{}, base...), append([]float32{}, base...)
			Mul(sum, ld, m, 0, m.Groups(), a, k, nil, n, s)
			MulAdd(got, ld, m, 0, m.Groups(), a, k, nil, n, s)
			for i := range got {
				want := base[i]
				if i%ld < rows {
					want = base[i] + sum[i]
				}
				if got[i] != want {
					t.Fatalf("%s: value %d: got %v, want %v", typ, i, got[i], want)
				}
			}
		}
	})
}

// TestKernelsEqualPortable compares every tier with the portable code bit by
// bit; kernels for float weights, which fuse, within the bound of their sum.
func TestKernelsEqualPortable(t *testing.T) {
	type result struct{ typ, rows, cols, n int }
	want := map[string][]float32{}
	cputest.Each(t, func(t *testing.T) {
		s := NewScratch()
		for _, typ := range testTypes() {
			rng := rand.New(rand.NewPCG(9, uint64(typ)))
			for _, cols := range colsFor(typ) {
				for _, n := range []int{1, 2, 3, 5, 8, 9, 13, 33} {
					rows := 1 + rng.IntN(50)
					src := randomRows(rng, typ, rows, cols)
					m, _ := pair(t, typ, rows, cols, src)
					k := m.Kind(false)
					if k == BF16 { // not every tier rounds these activations
						k = F32
					}
					a := NewActs(n, cols)
					for i := range n {
						a.Set(k, i, randomFloats(rng, cols))
					}
					got := guarded[float32](t, n*rows)
					Mul(got, rows, m, 0, m.Groups(), a, k, nil, n, s)
					key := fmt.Sprint(result{int(typ), rows, cols, n})
					if want[key] == nil {
						want[key] = slices.Clone(got)
						continue
					}
					compare(t, fmt.Sprintf("%s rows=%d cols=%d n=%d", typ, rows, cols, n), k, got, want[key], m, a)
				}
			}
		}
	})
}

func compare(t *testing.T, name string, k Kind, got, want []float32, m *Matrix, a *Acts) {
	t.Helper()
	if k != F32 {
		if i := sameBits(got, want); i >= 0 {
			t.Fatalf("%s: value %d: got %v, portable %v", name, i, got[i], want[i])
		}
		return
	}
	row := make([]float32, m.Cols)
	for i := range got {
		Row(row, m, i%m.Rows)
		_, mag := product(row, a.value(F32, i/m.Rows, m.Cols))
		if math.Abs(float64(got[i]-want[i])) > bound(m.Cols, mag) {
			t.Fatalf("%s: value %d: got %v, portable %v", name, i, got[i], want[i])
		}
	}
}
