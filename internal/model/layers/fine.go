package layers

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// Products with quantised weights meet activations of 8 bits. In small models a
// few are fine: their activations have 16, a row of codes and a row of codes of
// what those leave, and each piece of the matrix meets both while it is in the
// cache. They are the products by which most of the rounding reaches the logits
// for the least arithmetic: docs/correctness.md has the numbers.
//
// Which products are fine is a matter of the model alone, never of the batch.

const (
	// fineWidth is the widest residual stream of a small model. In a wider one the
	// second row of codes would be felt where several rows are computed together.
	fineWidth = 1024
	// testWidth is what models are narrower than that exist for tests only. They are
	// there to be compared with other engines, code for code, so that they compute
	// what large models do.
	testWidth = 512
	// fineBytes is how much of a matrix meets the codes, and then their rests: it
	// should stay in a second-level cache in between.
	fineBytes = 256 << 10
)

// Fine reports whether a model of the given width has fine products.
func Fine(o model.Options, embd int) bool {
	if o.Fine != nil {
		return *o.Fine && !o.Exact
	}
	return embd >= testWidth && embd <= fineWidth && !o.Exact
}

// leaves reports whether codes of a kind leave a rest that is worth its price.
func leaves(k matmul.Kind) bool { return k == matmul.Q8 || k == matmul.Q8K }

// fineCols returns how wide the rests are, 0 without.
func (s *Shape) fineCols() int {
	if !s.Fine {
		return 0
	}
	return max(s.Embd, s.FineCols)
}

// fineKinds returns the kinds that have rests.
func (s *Shape) fineKinds() Kinds {
	if !s.Fine {
		return nil
	}
	return s.Kinds.Without(matmul.F32).Without(matmul.BF16)
}

// rests allocates the second row of codes of rows rows.
func (s *Shape) rests(rows int) *matmul.Acts {
	acts := matmul.NewActs(rows, s.fineCols())
	acts.Prepare(s.fineKinds()...)
	return acts
}

// restsOf returns where the rests of acts are, which are some of the Env's own.
func (e *Env) restsOf(w int, acts *matmul.Acts) *matmul.Acts {
	if acts == e.acts {
		return e.rest
	}
	return e.workers[w].rest
}

// SetRests converts what the codes of a row leave of it, for fine products. The
// row has been set to x in these kinds.
func (e *Env) SetRests(w int, acts *matmul.Acts, row int, x []float32, kinds ...matmul.Kind) {
	if !e.fine {
		return
	}
	for _, k := range kinds {
		if leaves(k) {
			e.restsOf(w, acts).SetRest(k, row, x, acts)
		}
	}
}

// MulFine is matmul.Mul as a fine product, with rows that SetRests was given.
func (e *Env) MulFine(w int, dst []float32, ld int, m *matmul.Matrix, lo, hi int, acts *matmul.Acts, rows []int32, n int) {
	e.mul(w, matmul.Mul, dst, ld, m, lo, hi, acts, rows, n, true)
}

type mulFunc func(dst []float32, ld int, m *matmul.Matrix, lo, hi int, a *matmul.Acts, k matmul.Kind, rows []int32, n int, s *matmul.Scratch)

// mul calls mul, which is matmul.Mul or MulAdd; if the product is fine, for one
// piece of the matrix after the other, and adds the product with the rests.
func (e *Env) mul(w int, mul mulFunc, dst []float32, ld int, m *matmul.Matrix, lo, hi int, acts *matmul.Acts, rows []int32, n int, fine bool) {
	kind, s := m.Kind(e.Exact), e.Scratch(w)
	if !fine || !e.fine || !leaves(kind) {
		mul(dst, ld, m, lo, hi, acts, kind, rows, n, s)
		return
	}
	rests := e.restsOf(w, acts)
	step := max(1, fineBytes*m.Groups()/max(1, m.Bytes()))
	for ; lo < hi; lo += step {
		to := min(lo+step, hi)
		mul(dst, ld, m, lo, to, acts, kind, rows, n, s)
		matmul.MulAdd(dst, ld, m, lo, to, rests, kind, rows, n, s)
	}
}
