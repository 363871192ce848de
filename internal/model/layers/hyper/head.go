package hyper

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
)

// A Collapse mixes the streams before the output: X = sum_s w[s] X[s]. Models
// with lagged weights have none and use the pre of their last sublayer.
type Collapse struct {
	fn    table     // [S] x [S*embd]
	base  []float32 // [S]
	scale []float32 // [1]
}

// Bind declares the tensors. Some converters call them hc_head instead of output_hc.
func (c *Collapse) Bind(b *weights.Binder, embd int, p *Params) {
	prefix := "output_hc_"
	if !b.Has(prefix+"fn.weight") && b.Has("hc_head_fn.weight") {
		prefix = "hc_head_"
	}
	c.fn.bind(b, prefix+"fn.weight", p.Streams, p, embd)
	b.Vector(&c.base, prefix+"base.weight", p.Streams)
	b.Vector(&c.scale, prefix+"scale.weight", 1)
}

// Finish mixes the streams of the rows that logits are wanted of into e.X. c is
// nil with lagged weights. Afterwards each worker may use its own rows, and all
// rows in a private batch.
func (st *State) Finish(e *layers.Env, w int, c *Collapse) {
	if e.Alone() {
		e.Barrier(w)
	}
	lo, hi := e.Share(w, e.N())
	s := st.Streams
	for _, out := range e.Rows.Out {
		r := int(out)
		if r < lo || r >= hi {
			continue
		}
		pre := st.pre[r*s : (r+1)*s]
		if c == nil {
			copy(pre, st.next[r*s:(r+1)*s])
		} else {
			st.measureAll(w, &c.fn, r, r+1, 0, st.embd)
			for i, v := range st.total(pre, r) {
				pre[i] = float32(sigmoid(float64(v)*float64(c.scale[0])+float64(c.base[i])) + float64(st.Eps))
			}
		}
		st.collapse(e.X[r*st.embd:(r+1)*st.embd], r)
	}
	if e.Private() {
		e.Barrier(w)
	}
}

// Trace shows the streams to the batch's Trace function, if it has one.
func (st *State) Trace(e *layers.Env, w, layer int) {
	trace := e.Rows.Batch.Trace
	if trace == nil {
		return
	}
	e.Barrier(w)
	if w == 0 {
		trace(layer, st.X[:e.N()*st.Streams*st.embd])
	}
	e.Barrier(w)
}
