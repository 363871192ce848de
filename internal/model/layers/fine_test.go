package layers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestFine: a fine product is ten times nearer to the exact one than a coarse one
// at least (a hundred times, but for types with a minimum, whose sum of the codes
// is rounded to 11 bits), and the same in pieces as at once.
func TestFine(t *testing.T) {
	const rows, cols = 72, 512
	team := par.New(1)
	t.Cleanup(team.Close)
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	x := normal(cols)
	for _, typ := range []quant.Type{quant.Q8_0, quant.Q4_1, quant.Q6_K} {
		m := packed(t, typ, rows, cols, normal(rows*cols))
		product := func(s Shape, exact bool, lo, hi int) []float32 {
			s.Embd, s.MaxCols, s.Kinds = cols, cols, Kinds{m.Kind(exact)}
			e := NewEnv(model.Options{Team: team, Workers: 1, MaxRows: 1, Exact: exact}, s)
			acts, _, _ := e.Converts(0)
			acts.Set(m.Kind(exact), 0, x)
			e.SetRests(0, acts, 0, x, m.Kind(exact))
			dst := make([]float32, rows)
			e.MulFine(0, dst, rows, m, 0, lo, acts, nil, 1)
			e.MulFine(0, dst, rows, m, lo, hi, acts, nil, 1)
			return dst
		}
		exact := product(Shape{}, true, 1, m.Groups())
		coarse := product(Shape{}, false, 1, m.Groups())
		fine := product(Shape{Fine: true}, false, 1, m.Groups())
		if c, f := off(coarse, exact), off(fine, exact); c == 0 || f > c/10 {
			t.Errorf("%v: a fine product is off by %.3g, a coarse one by %.3g", typ, f, c)
		}
		if off(product(Shape{Fine: true}, false, m.Groups(), m.Groups()), fine) != 0 {
			t.Errorf("%v: at once it differs from in pieces", typ)
		}
	}
}

func packed(t *testing.T, typ quant.Type, rows, cols int, x []float32) *matmul.Matrix {
	t.Helper()
	size, err := typ.RowBytes(cols)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, rows*size)
	if err := quant.Quantize(typ, raw, x); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, matmul.PackedSize(typ, rows, cols)+64)
	matmul.Pack(data, typ, rows, cols, raw, 0, (rows+15)/16)
	m, err := matmul.Packed(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// off returns the root of the mean square of a's differences from b.
func off(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}
