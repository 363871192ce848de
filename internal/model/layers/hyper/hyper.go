// Package hyper computes manifold-constrained hyper-connections (DeepSeek-V4).
//
// The residual of a token is not one vector but S streams, X [S][embd]. Around
// each sublayer (attention, feed-forward) stand three small sets of weights,
// which are themselves functions of X: pre mixes the streams into the
// sublayer's input, post spreads its output over the streams, and comb, a
// doubly stochastic matrix, mixes the streams with each other:
//
//	u     = sum_s pre[s] X[s]
//	y     = sublayer(norm(u))
//	X'[d] = post[d] y + sum_s comb[s][d] X[s]
//
// In DeepSeek-V4.1 the pre of a sublayer is the one that the sublayer before it
// computed; the first has [1, 0, ...].
package hyper

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Params are the sizes that all mixes of a model share.
type Params struct {
	Streams int
	Iters   int     // Sinkhorn iterations
	Eps     float32 // hyper_connection.epsilon
	RMSEps  float32
	Lagged  bool // pre comes from the sublayer before
}

// MaxStreams is the largest number of streams, so that a matrix of them fits into
// a fixed buffer.
const MaxStreams = 8

// width returns the number of weights of one mix.
func (p *Params) width() int { return p.Streams * (2 + p.Streams) }

// A Mix holds what turns the streams of a token into the weights of a sublayer.
type Mix struct {
	fn    *matmul.Matrix // [S + S + S*S] x [S*embd]
	base  []float32      // [S + S + S*S]
	scale []float32      // [3] of pre, post and comb
}

// Bind declares the tensors of a mix; prefix is "blk.0.hc_attn_".
func (m *Mix) Bind(b *weights.Binder, prefix string, embd int, p *Params) {
	b.Matrix(&m.fn, prefix+"fn.weight", p.width(), p.Streams*embd)
	b.Vector(&m.base, prefix+"base.weight", p.width())
	b.Vector(&m.scale, prefix+"scale.weight", 3)
}

// A State is the streams and the weights of the rows of a batch.
type State struct {
	Params
	X    []float32 // [maxRows][S][embd]
	embd int
	mix  []float32 // [maxRows][width] weights before their squashing
	pre  []float32 // [maxRows][S] of the sublayer that runs
	next []float32 // [maxRows][S] of the one after it, if lagged
	post []float32 // [maxRows][S]
	comb []float32 // [maxRows][S][S] source, destination
	tmp  [][]float32
}

// NewState allocates memory for a batch.
func NewState(o model.Options, p Params, embd int) *State {
	n, s := o.MaxRows, p.Streams
	st := &State{
		Params: p, embd: embd,
		X:    make([]float32, n*s*embd),
		mix:  make([]float32, n*p.width()),
		pre:  make([]float32, n*s),
		next: make([]float32, n*s),
		post: make([]float32, n*s),
		comb: make([]float32, n*s*s),
		tmp:  make([][]float32, o.Workers),
	}
	for w := range st.tmp {
		st.tmp[w] = make([]float32, s*embd)
	}
	return st
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, p Params, embd int) int64 {
	s := p.Streams
	return 4 * (int64(o.MaxRows)*int64(s*embd+p.width()+3*s+s*s) + int64(o.Workers)*int64(s*embd))
}

// rows returns the part of all rows that worker w works on: its own rows whole,
// or in a private batch some columns of each.
func (st *State) rows(e *layers.Env, w int) (lo, hi, from, to int) {
	if e.Private() {
		groups := (st.embd + matmul.Group - 1) / matmul.Group
		from, to = e.Share(w, groups)
		return 0, e.N(), from * matmul.Group, min(to*matmul.Group, st.embd)
	}
	lo, hi = e.Share(w, e.N())
	return lo, hi, 0, st.embd
}

// Start fills the streams of each row with its embedding, which is in e.X. It
// ends with a barrier.
func (st *State) Start(e *layers.Env, w int) {
	e.Barrier(w)
	lo, hi := e.Share(w, e.N())
	for r := lo; r < hi; r++ {
		x := e.X[r*st.embd : (r+1)*st.embd]
		for s := range st.Streams {
			copy(st.stream(r, s), x)
		}
		pre := st.pre[r*st.Streams : (r+1)*st.Streams]
		clear(pre)
		pre[0] = 1
	}
	e.Barrier(w)
}

func (st *State) stream(r, s int) []float32 {
	at := (r*st.Streams + s) * st.embd
	return st.X[at : at+st.embd]
}

// Stream returns stream s of row r.
func (st *State) Stream(r, s int) []float32 { return st.stream(r, s) }

// Enter computes the weights of a sublayer, mixes the streams into its input,
// e.Src, and clears e.X for its result. Afterwards a worker may use its own rows
// of e.Src, and all rows in a private batch.
func (st *State) Enter(e *layers.Env, w int, m *Mix) {
	st.weigh(e, w, m.fn, st.width())
	lo, hi := e.Share(w, e.N())
	for r := lo; r < hi; r++ {
		st.squash(r, m)
	}
	if e.Private() {
		e.Barrier(w)
	}
	lo, hi, from, to := st.rows(e, w)
	for r := lo; r < hi; r++ {
		st.collapse(e.Src[r*st.embd:(r+1)*st.embd], r, from, to)
		clear(e.X[r*st.embd+from : r*st.embd+to])
	}
	if e.Private() {
		e.Barrier(w)
	}
}

// weigh computes fn times the normalised streams of all rows into mix. In a
// private batch the workers share the outputs and meet.
func (st *State) weigh(e *layers.Env, w int, fn *matmul.Matrix, width int) {
	acts, lo, hi := e.Converts(w)
	for r := lo; r < hi; r++ {
		acts.Set(matmul.F32, r, st.normed(w, r))
	}
	if !e.Private() {
		matmul.Mul(st.mix[lo*width:], width, fn, 0, fn.Groups(), acts, matmul.F32, e.RowList(lo, hi), hi-lo, e.Scratch(w))
		return
	}
	g0, g1 := e.Share(w, fn.Groups())
	matmul.Mul(st.mix, width, fn, g0, g1, acts, matmul.F32, nil, e.N(), e.Scratch(w))
	e.Barrier(w)
}

// normed returns all streams of a row divided by their common root mean square.
func (st *State) normed(w, r int) []float32 {
	n := st.Streams * st.embd
	vec.RMSNorm(st.tmp[w], st.X[r*n:(r+1)*n], nil, st.RMSEps)
	return st.tmp[w]
}

// collapse sets columns from to to-1 of u to the mix of row r's streams.
func (st *State) collapse(u []float32, r, from, to int) {
	if from >= to {
		return
	}
	u = u[from:to]
	clear(u)
	for s := range st.Streams {
		vec.Axpy(u, st.pre[r*st.Streams+s], st.stream(r, s)[from:to])
	}
}

// Leave spreads the sublayer's result, e.X, over the streams. Afterwards each
// worker may use its own rows; a private batch ends with a barrier.
func (st *State) Leave(e *layers.Env, w int) {
	lo, hi, from, to := st.rows(e, w)
	for r := lo; r < hi && from < to; r++ {
		st.spread(w, r, e.X[r*st.embd:(r+1)*st.embd], from, to)
	}
	if st.Lagged && !e.Private() {
		copy(st.pre[lo*st.Streams:hi*st.Streams], st.next[lo*st.Streams:hi*st.Streams])
	}
	if e.Private() {
		e.Barrier(w)
		if st.Lagged {
			lo, hi = e.Share(w, e.N())
			copy(st.pre[lo*st.Streams:hi*st.Streams], st.next[lo*st.Streams:hi*st.Streams])
		}
	}
}

func (st *State) spread(w, r int, y []float32, from, to int) {
	s, n := st.Streams, to-from
	old := st.tmp[w][:s*n]
	for i := range s {
		copy(old[i*n:], st.stream(r, i)[from:to])
	}
	for d := range s {
		x := st.stream(r, d)[from:to]
		clear(x)
		vec.Axpy(x, st.post[r*s+d], y[from:to])
		for i := range s {
			vec.Axpy(x, st.comb[(r*s+i)*s+d], old[i*n:(i+1)*n])
		}
	}
}

// squash turns the raw weights of a row into pre, post and comb. The matrix is
// made doubly stochastic by Sinkhorn's method: a softmax over the destinations,
// then columns and rows divided by their sums in turn, ending with columns.
func (st *State) squash(r int, m *Mix) {
	s := st.Streams
	x := st.mix[r*st.width() : (r+1)*st.width()]
	raw := func(i, scale int) float64 { return float64(x[i])*float64(m.scale[scale]) + float64(m.base[i]) }
	pre := st.pre
	if st.Lagged {
		pre = st.next
	}
	for i := range s {
		pre[r*s+i] = float32(sigmoid(raw(i, 0)) + float64(st.Eps))
		st.post[r*s+i] = float32(2 * sigmoid(raw(s+i, 1)))
	}
	var buf [MaxStreams * MaxStreams]float64
	c := buf[:s*s]
	for i := range c {
		c[i] = raw(2*s+i, 2)
	}
	sinkhorn(c, s, st.Iters, float64(st.Eps))
	for i, v := range c {
		st.comb[r*s*s+i] = float32(v)
	}
}

func sinkhorn(c []float64, s, iters int, eps float64) {
	for i := range s {
		row := c[i*s : (i+1)*s]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		sum := 0.0
		for j, v := range row {
			row[j] = math.Exp(v - top)
			sum += row[j]
		}
		for j := range row {
			row[j] = row[j]/sum + eps
		}
	}
	columns(c, s, eps)
	for range iters - 1 {
		for i := range s {
			row := c[i*s : (i+1)*s]
			sum := eps
			for _, v := range row {
				sum += v
			}
			for j := range row {
				row[j] /= sum
			}
		}
		columns(c, s, eps)
	}
}

func columns(c []float64, s int, eps float64) {
	for j := range s {
		sum := eps
		for i := range s {
			sum += c[i*s+j]
		}
		for i := range s {
			c[i*s+j] /= sum
		}
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
