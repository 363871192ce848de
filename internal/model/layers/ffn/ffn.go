// Package ffn computes the SwiGLU feed-forward: down(silu(gate(x)) * up(x)).
package ffn

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// An FFN is one feed-forward network.
type FFN struct {
	Gate, Up *matmul.Matrix // [Width] x [embd]
	Down     *matmul.Matrix // [embd] x [Width]
	Width    int
	Clamp    float32      // see Rows
	Kinds    layers.Kinds // of activations that Gate and Up multiply with
	Fine     layers.Kinds // those kinds, if all three products are fine
}

// Bind declares the three matrices of a network: prefix is "blk.0.ffn_", suffix
// "" for the dense network of a layer and "_shexp" for shared experts.
func (f *FFN) Bind(b *weights.Binder, prefix, suffix string, embd, width int) {
	f.Width = width
	b.Matrix(&f.Gate, prefix+"gate"+suffix+".weight", width, embd)
	b.Matrix(&f.Up, prefix+"up"+suffix+".weight", width, embd)
	b.Matrix(&f.Down, prefix+"down"+suffix+".weight", embd, width)
}

// MakeFine makes all three products fine. It comes after Ready.
func (f *FFN) MakeFine() { f.Fine = f.Kinds }

// Project adds the network's result to the residual stream, from the hidden units
// in buf. It begins with a barrier.
func (f *FFN) Project(e *layers.Env, w int, buf *Buffers) {
	e.Barrier(w)
	if f.Fine != nil {
		e.ProjectFine(w, f.Down, buf.Hidden)
		return
	}
	e.Project(w, f.Down, buf.Hidden, nil)
}

// Ready finishes the network after its weights are there.
func (f *FFN) Ready(exact bool) { f.Kinds = f.Kinds.Add(exact, f.Gate, f.Up) }

// Buffers is the memory between the two halves of a network; all layers of a
// model share it.
type Buffers struct {
	Hidden []float32 // [maxRows][maxWidth]
	Up     []float32 // [maxRows][maxWidth] what Rows.GateUp needs beside
}

// NewBuffers allocates memory for networks of up to maxWidth.
func NewBuffers(o model.Options, maxWidth int) *Buffers {
	n := o.MaxRows * maxWidth
	return &Buffers{Hidden: make([]float32, n), Up: make([]float32, n)}
}

// BuffersBytes returns what NewBuffers allocates.
func BuffersBytes(o model.Options, maxWidth int) int64 { return 8 * int64(o.MaxRows) * int64(maxWidth) }

// GateUp computes what worker w claims of the hidden units for all rows into
// buf.Hidden. The caller puts a barrier before what reads them.
func (f *FFN) GateUp(e *layers.Env, w int, acts *matmul.Acts, buf *Buffers) {
	rows := Rows{Acts: acts, N: e.N(), Clamp: f.Clamp, Fine: f.Fine != nil}
	claim, groups := e.Claim(w), f.Gate.Groups()
	for {
		lo, hi, ok := e.Next(claim, groups)
		if !ok {
			return
		}
		rows.GateUp(e, w, f.Gate, f.Up, buf.Hidden, buf.Up, lo, hi)
	}
}

// Rows names the activation rows of a product.
type Rows struct {
	Acts *matmul.Acts
	List []int32 // nil: rows 0 to N-1
	N    int
	// Clamp, if not 0, limits the gate from above before its silu, and the up
	// projection on both sides.
	Clamp float32
	Fine  bool // the products are fine
}

// GateUp computes the hidden units of the row groups [lo, hi) of one gate and
// up pair into hidden; up is scratch of the same shape.
func (r *Rows) GateUp(e *layers.Env, w int, gate, up *matmul.Matrix, hidden, tmp []float32 /* [N][width] */, lo, hi int) {
	width := gate.Rows
	step := r.step()
	for g := lo; g < hi; g += step {
		to := min(g+step, hi)
		r.mul(e, w, hidden, gate, g, to)
		r.mul(e, w, tmp, up, g, to)
		from, end := g*matmul.Group, min(to*matmul.Group, width)
		for i := range r.N {
			h, u := hidden[i*width+from:i*width+end], tmp[i*width+from:i*width+end]
			if r.Clamp != 0 {
				clamp(h, u, r.Clamp)
			}
			vec.SwiGLU(h, h, u)
		}
	}
}

// mul computes the row groups [lo, hi) of one matrix.
func (r *Rows) mul(e *layers.Env, w int, dst []float32, m *matmul.Matrix, lo, hi int) {
	if r.Fine {
		e.MulFine(w, dst, m.Rows, m, lo, hi, r.Acts, r.List, r.N)
		return
	}
	matmul.Mul(dst, m.Rows, m, lo, hi, r.Acts, m.Kind(e.Exact), r.List, r.N, e.Scratch(w))
}

// clamp limits gate to at most c and up to -c..c.
func clamp(gate, up []float32, c float32) {
	for i, g := range gate {
		gate[i] = min(g, c)
		up[i] = max(-c, min(up[i], c))
	}
}

// tileFloats is how many values of gate and up together should stay in a
// second-level cache between the products and SwiGLU.
const tileFloats = 64 << 10

// step returns how many groups to compute before applying SwiGLU to them.
func (r *Rows) step() int {
	return max(1, tileFloats/(2*matmul.Group*max(1, r.N)))
}
