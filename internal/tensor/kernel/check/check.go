// Package check compares the bodies of a kernel tier with the portable ones, in a
// program that runs: a tier whose tests have passed on no machine can so be tested
// by who has a machine for it. The tests of the kernels' own packages go further,
// over guard pages and every odd length.
package check

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// Tier compares all products and the attention of a tier with the portable code
// and returns the first difference. It takes about a second, and turns tiers on
// and off meanwhile, so nothing else may compute; at the end the best are on.
func Tier(name string) (err error) {
	if err := cpu.Force(name); err != nil {
		return err
	}
	defer func() { err = first(err, cpu.Force("")) }()
	rng := rand.New(rand.NewPCG(1, 9))
	for _, t := range quant.Types() {
		if !weights(t) {
			continue
		}
		for _, cols := range []int{256, 1280} {
			if err := product(rng, name, t, 3+rng.IntN(90), cols); err != nil {
				return err
			}
		}
	}
	for _, e := range []attend.Elem{attend.F32, attend.F16, attend.BF16, attend.Q8_0} {
		for _, s := range []shape{{64, 64, 1, false}, {128, 128, 6, false}, {192, 128, 70, false}, {576, 512, 16, true}} {
			if err := attention(rng, name, e, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// weights reports whether files have weights of type t.
func weights(t quant.Type) bool {
	return t == quant.F32 || t == quant.F16 || t == quant.BF16 || t.Blocked() && t != quant.Q8_1 && t != quant.Q8_K
}

// with runs f with a tier on.
func with(tier string, f func()) error {
	if err := cpu.Force(tier); err != nil {
		return err
	}
	f()
	return nil
}

// product compares a matrix times 1 to 70 rows.
func product(rng *rand.Rand, tier string, t quant.Type, rows, cols int) error {
	size, err := t.RowBytes(cols)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	src := make([]byte, rows*size)
	quant.Random(rng, t, src)
	for _, n := range []int{1, 4, 13, 70} {
		x := normals(rng, n*cols)
		var got, want []float32
		var kind matmul.Kind
		err := first(
			with(tier, func() { got, kind = multiply(t, rows, cols, src, x, n, nil) }),
			with("portable", func() { want, _ = multiply(t, rows, cols, src, x, n, &kind) }),
		)
		if err != nil {
			return err
		}
		limit := 0.0 // products of integers are exact
		if kind == matmul.F32 || kind == matmul.BF16 {
			limit = float64(cols+4) * 0x1p-24 * float64(cols) / 64 * 4
		}
		if i := differ(got, want, limit); i >= 0 {
			return fmt.Errorf("check: tier %s: %v %dx%d times %d rows of %v: element %d is %v, want %v",
				tier, t, rows, cols, n, kind, i, got[i], want[i])
		}
	}
	return nil
}

// multiply packs a matrix and multiplies it with n rows of the given kind, or of
// that which it prefers now.
func multiply(t quant.Type, rows, cols int, src []byte, x []float32, n int, kind *matmul.Kind) ([]float32, matmul.Kind) {
	data := make([]byte, matmul.PackedSize(t, rows, cols))
	matmul.Pack(data, t, rows, cols, src, 0, (rows+matmul.Group-1)/matmul.Group)
	m, err := matmul.Packed(t, rows, cols, data)
	if err != nil {
		panic("check: " + err.Error()) // the sizes are PackedSize's own
	}
	k := m.Kind(false)
	if kind != nil {
		k = *kind
	}
	a := matmul.NewActs(n, cols)
	for i := range n {
		a.Set(k, i, x[i*cols:(i+1)*cols])
	}
	out := make([]float32, n*rows)
	matmul.Mul(out, rows, m, 0, m.Groups(), a, k, nil, n, matmul.NewScratch())
	return out, k
}

// A shape is one of attention: sizes of keys and values, queries, and whether
// values are the front of keys.
type shape struct {
	dk, dv, nq int
	latent     bool
}

// attention compares queries at the end of 300 rows.
func attention(rng *rand.Rand, tier string, e attend.Elem, s shape) error {
	const rows = 300
	p := attend.Params{Elem: e, DK: s.dk, DV: s.dv, Scale: float32(1 / math.Sqrt(float64(s.dk))), Fast: true, Pack: s.nq > 16}
	c := attend.Chunk{K: cache(rng, e, rows, s.dk), N: rows}
	c.V = c.K
	if s.latent {
		p.VStride = e.RowBytes(s.dk)
	} else {
		c.V = cache(rng, e, rows, s.dv)
	}
	q, limit := normals(rng, s.nq*s.dk), make([]int32, s.nq)
	for i := range limit {
		limit[i] = int32(rows - s.nq + 1 + i)
	}
	var got, want []float32
	run := func(out *[]float32) func() {
		return func() {
			*out = make([]float32, s.nq*s.dv)
			p.Run(attend.NewScratch(), *out, q, s.nq, limit, nil, []attend.Chunk{c})
		}
	}
	if err := first(with(tier, run(&got)), with("portable", run(&want))); err != nil {
		return err
	}
	limitOf := map[attend.Elem]float64{attend.F32: 1e-5, attend.F16: 1e-5, attend.BF16: 5e-3, attend.Q8_0: 2e-2}
	if i := differ(got, want, limitOf[e]); i >= 0 {
		return fmt.Errorf("check: tier %s: attention of %d queries of %d to %v: element %d is %v, want %v", tier, s.nq, s.dk, e, i, got[i], want[i])
	}
	return nil
}

func cache(rng *rand.Rand, e attend.Elem, rows, dim int) []byte {
	b := make([]byte, rows*e.RowBytes(dim))
	for r := range rows {
		e.Store(b[r*e.RowBytes(dim):], normals(rng, dim))
	}
	return b
}

func normals(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// differ returns the place of the first elements that are further apart than the
// limit, or have other bits if it is 0, and -1 if there are none.
func differ(got, want []float32, limit float64) int {
	for i := range want {
		if limit == 0 && math.Float32bits(got[i]) != math.Float32bits(want[i]) ||
			limit > 0 && !(math.Abs(float64(got[i])-float64(want[i])) <= limit) {
			return i
		}
	}
	return -1
}
