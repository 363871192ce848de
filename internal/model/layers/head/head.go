// Package head computes logits: the final norm and the output matrix, only for
// the rows that are asked for. The matrix is often the largest of a model. Rows
// can also be asked for as they are after the norm, for embeddings.
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
	hidden []float32 // [rows][embd], grows when somebody asks for final states
	slots  []int32   // [wanted rows] row of logits, or the complement of a row of hidden
	n      int       // rows of logits in this batch
}

// New returns a head over the output matrix.
func New(m *matmul.Matrix, norm []float32, eps float32) *Head {
	return &Head{m: m, norm: norm, eps: eps, logits: make([]float32, Rows*m.Rows), slots: make([]int32, 0, Rows)}
}

// Bytes returns the memory that New allocates for a vocabulary.
func Bytes(vocab int) int64 { return 4 * Rows * int64(vocab) }

// Bytes returns the memory of the logits and final states.
func (h *Head) Bytes() int64 { return 4 * int64(len(h.logits)+len(h.hidden)) }

// Begin makes room for what the batch asks for, before the workers start: it
// returns the logits and sets the batch's final states. It allocates only for
// more rows than in any batch before.
func (h *Head) Begin(e *layers.Env) []float32 {
	h.slots, h.n = h.slots[:0], 0
	states := 0
	for i := range e.Rows.Seqs {
		s := &e.Rows.Seqs[i]
		for range s.NLogits {
			if s.Hidden {
				h.slots = append(h.slots, ^int32(states))
				states++
				continue
			}
			h.slots = append(h.slots, int32(h.n))
			h.n++
		}
	}
	h.logits = atLeast(h.logits, h.n*h.m.Rows)
	h.hidden = atLeast(h.hidden, states*h.m.Cols)
	e.Rows.Batch.Hidden = h.hidden[:states*h.m.Cols]
	return h.logits[:h.n*h.m.Rows]
}

func atLeast(x []float32, n int) []float32 {
	if n > len(x) {
		return make([]float32, n)
	}
	return x
}

// Run computes the logits and the final states.
func (h *Head) Run(e *layers.Env, w int) {
	if len(e.Rows.Out) == 0 {
		return
	}
	acts := h.convert(e, w)
	if h.n == 0 {
		return
	}
	if !e.Private() {
		e.Barrier(w)
	}
	claim, groups := e.Claim(w), h.m.Groups()
	for {
		lo, hi, ok := e.Next(claim, groups)
		if !ok {
			return
		}
		e.MulFine(w, h.logits, h.m.Rows, h.m, lo, hi, acts, nil, h.n)
	}
}

// convert normalises the wanted rows: those that are asked for as they are go to
// hidden, the others are converted for the product.
func (h *Head) convert(e *layers.Env, w int) *matmul.Acts {
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
		x := e.X[int(r)*e.Embd : (int(r)+1)*e.Embd]
		slot := h.slots[i]
		if slot >= 0 {
			vec.RMSNorm(row, x, h.norm, h.eps)
			acts.Set(kind, int(slot), row)
			e.SetRests(w, acts, int(slot), row, kind)
			continue
		}
		// In a private batch every worker has all rows; one of them writes this.
		if k := int(^slot); !e.Private() || k%e.Workers() == w {
			vec.RMSNorm(h.hidden[k*e.Embd:(k+1)*e.Embd], x, h.norm, h.eps)
		}
	}
	return acts
}
