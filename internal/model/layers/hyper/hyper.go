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
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
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

// A State is the streams and the weights of the rows of a batch.
type State struct {
	Params
	X    []float32 // [maxRows][S][embd]
	embd int
	sums []float32   // [maxRows][blocks][width+1] products and squares of blocks
	pre  []float32   // [maxRows][S] of the sublayer that runs
	next []float32   // [maxRows][S] of the one after it, if lagged
	post []float32   // [maxRows][S]
	comb []float32   // [maxRows][S][S] source, destination
	tmp  [][]float32 // [workers][S*embd]
	mix  []*Mix      // [workers] whose blocks Fold measures; may be nil

	env *layers.Env
}

// NewState allocates memory for a batch, prepares all mixes of the model, and
// takes over e.X: it is what a sublayer computes, and not added to.
func NewState(e *layers.Env, o model.Options, p Params, embd int, mixes []*Mix, c *Collapse) *State {
	n, s := o.MaxRows, p.Streams
	st := &State{
		Params: p, embd: embd, env: e,
		X:    make([]float32, n*s*embd),
		pre:  make([]float32, n*s),
		next: make([]float32, n*s),
		post: make([]float32, n*s),
		comb: make([]float32, n*s*s),
		tmp:  make([][]float32, o.Workers),
		mix:  make([]*Mix, o.Workers),
	}
	st.sums = make([]float32, n*st.blocks()*(p.width()+1))
	for w := range st.tmp {
		st.tmp[w] = make([]float32, s*embd)
	}
	for _, m := range mixes {
		m.connect(e, st)
	}
	if c != nil {
		c.fn.ready(s, embd)
	}
	e.TakeOver(st)
	return st
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, p Params, embd int) int64 {
	s := p.Streams
	blocks := (embd + blockCols - 1) / blockCols
	perRow := s*embd + blocks*(p.width()+1) + 3*s + s*s
	return 4*(int64(o.MaxRows)*int64(perRow)+int64(o.Workers)*int64(s*embd)) + layers.SrcBytes(o, embd)
}

// Start fills the streams of each row with its embedding, which is in e.X. m is
// the mix of the first sublayer, nil if Measure comes before it.
func (st *State) Start(e *layers.Env, w int, m *Mix) {
	st.mix[w] = m
	lo, hi, from, to := st.part(e, w)
	for r := lo; r < hi; r++ {
		x := e.X[r*st.embd : (r+1)*st.embd]
		for s := range st.Streams {
			copy(st.stream(r, s)[from:to], x[from:to])
		}
		if from > 0 || to == 0 {
			continue // the first columns' worker does the rest
		}
		for _, pre := range [][]float32{st.pre, st.next} {
			pre = pre[r*st.Streams : (r+1)*st.Streams]
			clear(pre)
			pre[0] = 1
		}
	}
	if e.Alone() {
		st.Measure(e, w, m)
	}
}

// part returns the part of all rows that worker w works on: its own rows whole,
// or in a batch that is Alone some columns of each.
func (st *State) part(e *layers.Env, w int) (lo, hi, from, to int) {
	if e.Alone() {
		b0, b1 := e.Share(w, st.blocks())
		return 0, e.N(), b0 * blockCols, min(b1*blockCols, st.embd)
	}
	lo, hi = e.Share(w, e.N())
	return lo, hi, 0, st.embd
}

func (st *State) stream(r, s int) []float32 {
	at := (r*st.Streams + s) * st.embd
	return st.X[at : at+st.embd]
}

// Stream returns stream s of row r.
func (st *State) Stream(r, s int) []float32 { return st.stream(r, s) }

// Columns returns the columns of the streams that worker w writes and measures in
// a private batch.
func (st *State) Columns(e *layers.Env, w int) (from, to int) {
	_, _, from, to = st.part(e, w)
	return from, to
}

// Measure prepares a mix in a batch that is Alone after something else than a sublayer
// has written the streams. The workers share the columns out.
func (st *State) Measure(e *layers.Env, w int, m *Mix) {
	if m == nil || !e.Alone() {
		return
	}
	_, _, from, to := st.part(e, w)
	st.measureAll(w, &m.fn, 0, e.N(), from, to)
}

// measureAll measures columns from to to-1 of the rows lo to hi-1, block by block,
// so that a block of the table is read once for all rows.
func (st *State) measureAll(w int, t *table, lo, hi, from, to int) {
	for b := from / blockCols; b*blockCols < to; b++ {
		for r := lo; r < hi; r++ {
			st.measure(w, t, r, b)
		}
	}
}

// Enter computes the weights of a sublayer by m and mixes the streams into its
// input, e.Src. Afterwards a worker may use its own rows of it, and all rows in a
// batch that is Alone. The sublayer computes e.X. next is the mix of the
// sublayer after it, nil if Measure comes before that one or there is none.
//
// In a batch that is Alone the streams have been measured already, block by block by
// whoever wrote them: the workers meet, the last to arrive adds up the blocks, and
// all of them mix all columns, because that is quicker than to meet once more.
func (st *State) Enter(e *layers.Env, w int, m, next *Mix) {
	if st.mix[w] = next; e.Alone() {
		e.BarrierThen(w, m.finish)
		src := e.Src(w)
		for r := range e.N() {
			st.collapse(src[r*st.embd:(r+1)*st.embd], r)
		}
		return
	}
	lo, hi := e.Share(w, e.N())
	st.measureAll(w, &m.fn, lo, hi, 0, st.embd)
	src := e.Src(w)
	for r := lo; r < hi; r++ {
		st.weigh(r, m)
		st.collapse(src[r*st.embd:(r+1)*st.embd], r)
		clear(e.X[r*st.embd : (r+1)*st.embd])
	}
}

// collapse sets u to the mix of row r's streams.
func (st *State) collapse(u []float32, r int) {
	clear(u)
	for s := range st.Streams {
		vec.Axpy(u, st.pre[r*st.Streams+s], st.stream(r, s))
	}
}

// Leave spreads the sublayer's result, e.X, over the streams. Afterwards each
// worker may use its own rows. In a batch that is Alone Fold has done it.
func (st *State) Leave(e *layers.Env, w int) {
	if e.Alone() {
		return
	}
	lo, hi := e.Share(w, e.N())
	for r := lo; r < hi; r++ {
		st.spread(w, r, e.X[r*st.embd:(r+1)*st.embd], 0, st.embd)
	}
}

// FoldGroups returns how many row groups of a projection into e.X belong together.
func (st *State) FoldGroups() int { return blockGroups }

// Fold spreads columns from to to-1 of the sublayer's result over the streams and
// measures them for the next one.
func (st *State) Fold(w, from, to int) {
	for r := range st.env.N() {
		st.spread(w, r, st.env.X[r*st.embd:(r+1)*st.embd], from, to)
	}
	if m := st.mix[w]; m != nil {
		st.measureAll(w, &m.fn, 0, st.env.N(), from, to)
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
