package layers

import (
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// A Product is a matrix that multiplies with the rows of a step, and where the
// results go.
type Product struct {
	M   *matmul.Matrix
	Dst []float32 // [rows][LD], from the first column on that the product fills
	LD  int
}

// Products computes what worker w claims of several products with the same rows.
// The row groups of all matrices together are handed out, so that small matrices
// do not leave anyone waiting. The caller puts a barrier before what reads the
// results.
func (e *Env) Products(w int, acts *matmul.Acts, list []Product) {
	total := 0
	for i := range list {
		total += list[i].M.Groups()
	}
	claim := e.Claim(w)
	for {
		lo, hi, ok := e.Next(claim, total)
		if !ok {
			return
		}
		for i := range list {
			p := &list[i]
			n := p.M.Groups()
			if from, to := max(lo, 0), min(hi, n); from < to {
				matmul.Mul(p.Dst, p.LD, p.M, from, to, acts, p.M.Kind(e.Exact), nil, e.Rows.N, e.workers[w].mul)
			}
			lo, hi = lo-n, hi-n
		}
	}
}

// OwnProducts computes the products with the rows of worker w alone, in a batch that
// is OwnRows: every worker reads the whole matrices, and nobody has to wait.
func (e *Env) OwnProducts(w int, acts *matmul.Acts, list []Product) {
	lo, hi := e.Share(w, e.Rows.N)
	for i := range list {
		p := &list[i]
		matmul.Mul(p.Dst[lo*p.LD:], p.LD, p.M, 0, p.M.Groups(), acts, p.M.Kind(e.Exact), e.iota[lo:hi], hi-lo, e.workers[w].mul)
	}
}

// KindsOf returns the kinds that the products need.
func KindsOf(exact bool, list []Product) Kinds {
	var k Kinds
	for i := range list {
		k = k.Add(exact, list[i].M)
	}
	return k
}

// NormInto normalises the rows of x, [rows][ld] of which the first len(weight)
// columns count, and converts them, as NormRows does with the residual stream.
func (e *Env) NormInto(w int, kinds Kinds, x []float32, ld int, weight []float32, eps float32) *matmul.Acts {
	acts := e.NormOwnInto(w, kinds, x, ld, weight, eps)
	if !e.Alone() {
		e.Barrier(w)
	}
	return acts
}

// NormOwnInto is NormInto without the barrier: unless every worker converts all rows
// alone, only the worker's own may be used before the next one.
func (e *Env) NormOwnInto(w int, kinds Kinds, x []float32, ld int, weight []float32, eps float32) *matmul.Acts {
	acts, lo, hi := e.converts(w, e.Alone())
	n := len(weight)
	for r := lo; r < hi; r++ {
		row := e.workers[w].row[:n]
		vec.RMSNorm(row, x[r*ld:r*ld+n], weight, eps)
		kinds.Set(acts, r, row)
	}
	return acts
}
