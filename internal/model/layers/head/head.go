// Package head computes logits: the final norm and the output matrix, only for
// the rows that are asked for. The matrix is often the largest of a model.
package head

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Rows is how many rows of logits there is room for from the start. A batch
// that asks for more makes the room grow.
const Rows = 8

// A Head is the end of a model.
type Head struct {
	m      *matmul.Matrix // [vocab] x [embd]
	norm   []float32      // [embd]
	eps    float32
	logits []float32 // [rows][vocab]
}

// New returns a head over the output matrix.
func New(m *matmul.Matrix, norm []float32, eps float32) *Head {
	return &Head{m: m, norm: norm, eps: eps, logits: make([]float32, Rows*m.Rows)}
}

// Bytes returns the memory that New allocates for a vocabulary.
func Bytes(vocab int) int64 { return 4 * Rows * int64(vocab) }

// Bytes returns the memory of the logits.
func (h *Head) Bytes() int64 { return int64(len(h.logits)) * 4 }

// Begin makes room for the logits of the batch and returns it, before the
// workers start. It allocates only for more rows than in any batch before.
func (h *Head) Begin(e *layers.Env) []float32 {
	n := len(e.Rows.Out) * h.m.Rows
	if n > len(h.logits) {
		h.logits = make([]float32, n)
	}
	return h.logits[:n]
}

// Run computes the logits.
func (h *Head) Run(e *layers.Env, w int) {
	n := len(e.Rows.Out)
	if n == 0 {
		return
	}
	kind := h.m.Kind(e.Exact)
	acts, lo, hi := e.Converts(w)
	if !e.Private() {
		// The rows move to the front of the shared activations, where another
		// worker may still be reading.
		e.Barrier(w)
	}
	row := e.Row(w)[:e.Embd]
	for i, r := range e.Rows.Out {
		if int(r) < lo || int(r) >= hi {
			continue // another worker's row
		}
		vec.RMSNorm(row, e.X[int(r)*e.Embd:(int(r)+1)*e.Embd], h.norm, h.eps)
		acts.Set(kind, i, row)
	}
	if !e.Private() {
		e.Barrier(w)
	}
	claim, groups := e.Claim(w), h.m.Groups()
	for {
		lo, hi, ok := claim.Next(e.Grain(groups), groups)
		if !ok {
			return
		}
		matmul.Mul(h.logits, h.m.Rows, h.m, lo, hi, acts, kind, nil, n, e.Scratch(w))
	}
}
