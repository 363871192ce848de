package mla

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/lightning"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// keyEps is the epsilon of the LayerNorm of indexer keys, whatever the file's
// own epsilons are.
const keyEps = 1e-6

// An Index is the lightning indexer of DeepSeek-V3.2: small heads that score all
// positions, of which the main attention sees the best TopK. Up to TopK
// positions everything is kept, and the result is that of dense attention.
//
// Which positions are kept is discontinuous in the scores, so keys and queries
// are kept in float32 or, with a smaller cache, in its own 16-bit format, never
// in blocks. The rotation of the indexer pairs dimensions half a rotated width
// apart, unlike the main attention's.
type Index struct {
	Heads, Dim, TopK int

	qB          *matmul.Matrix // [Heads*Dim] x [QLora]
	k           *matmul.Matrix // [Dim] x [embd]
	proj        *matmul.Matrix // [Heads] x [embd]
	norm, shift []float32      // [Dim] of the keys' LayerNorm
}

func (x *Index) bind(b *weights.Binder, prefix string, embd, qLora int) {
	b.Matrix(&x.qB, prefix+"indexer.attn_q_b.weight", x.Heads*x.Dim, qLora)
	b.Matrix(&x.k, prefix+"indexer.attn_k.weight", x.Dim, embd)
	b.Matrix(&x.proj, prefix+"indexer.proj.weight", x.Heads, embd)
	b.Vector(&x.norm, prefix+"indexer.k_norm.weight", x.Dim)
	b.Vector(&x.shift, prefix+"indexer.k_norm.bias", x.Dim)
}

// elem returns the number format of cached indexer keys.
func (x *Index) elem(cache attend.Elem) attend.Elem { return lightning.KeyElem(cache) }

// indexState is the indexers' memory.
type indexState struct {
	topK    int
	busy    bool // some row of the batch sees more than topK positions
	elem    attend.Elem
	size    int       // bytes of a cached key
	k       []float32 // [maxRows][Dim]
	q       []float32 // [maxRows][Heads*Dim]
	weights []float32 // [maxRows][Heads]
	kept    []int32   // [maxRows][topK] positions, ascending
	n       []int32   // [maxRows] how many, or all
	scores  [][]float32
	work    []*lightning.Scratch
}

const all = -1

func newIndexState(x *Index, o model.Options) *indexState {
	n := o.MaxRows
	s := &indexState{
		topK: x.TopK, elem: x.elem(o.CacheElem),
		k:       make([]float32, n*x.Dim),
		q:       make([]float32, n*x.Heads*x.Dim),
		weights: make([]float32, n*x.Heads),
		kept:    make([]int32, n*x.TopK),
		n:       make([]int32, n),
		scores:  make([][]float32, max(fewRows, o.Workers)),
		work:    make([]*lightning.Scratch, o.Workers),
	}
	s.size = s.elem.RowBytes(x.Dim)
	for i := range s.work {
		s.work[i] = &lightning.Scratch{}
	}
	return s
}

func (x *Index) stateBytes(o model.Options) int64 {
	return 4 * int64(o.MaxRows) * int64(x.Dim+x.Heads*x.Dim+x.Heads+x.TopK+1)
}

// count returns how many of see visible positions a row attends to.
func (s *indexState) count(row, see int) int {
	if n := s.n[row]; n != all {
		return int(n)
	}
	return see
}

// list returns the positions that a row attends to, nil for all.
func (s *indexState) list(row int) []int32 {
	if s.n[row] == all {
		return nil
	}
	return s.kept[row*s.topK:][:s.n[row]]
}

// store finishes the keys of the rows lo to hi-1 and puts them into the cache,
// behind the layer's latents.
func (x *Index) store(e *layers.Env, l *Layer, st *State, lo, hi int) {
	s := st.index
	for r := lo; r < hi; r++ {
		k := s.k[r*x.Dim : (r+1)*x.Dim]
		vec.LayerNorm(k, k, x.norm, x.shift, keyEps)
		vec.RopeNeox(k[:l.Rope], st.cs[r*l.Rope:(r+1)*l.Rope])
		s.elem.Store(st.cacheRow(e, x.off(l, st), s.size, r), k)
	}
}

// off returns where the indexer's keys begin in a cache block.
func (x *Index) off(l *Layer, st *State) int { return l.cacheOff + st.blockTokens*st.params.KStride }

// Reserve makes room for the scores of a batch, before the workers start. It
// allocates only when a sequence is longer than every one before.
func (st *State) Reserve(e *layers.Env) {
	s, most := st.index, 0
	if s == nil {
		return
	}
	for i := range e.Rows.Seqs {
		most = max(most, e.Rows.Seqs[i].Pos+len(e.Rows.Seqs[i].Tokens))
	}
	if most <= s.topK || most <= len(s.scores[0]) {
		return
	}
	for i := range s.scores {
		s.scores[i] = make([]float32, most+most/4)
	}
}

// begin notes that all rows attend to all positions, until they have chosen.
func (s *indexState) begin(e *layers.Env) {
	s.busy = false
	for r := range e.N() {
		s.n[r] = all
		s.busy = s.busy || int(e.Rows.Pos[r]) >= s.topK
	}
}

// endQueries ends the products with the query latent, with a barrier. If there is a
// choice which positions the rows attend to, it is made.
func (l *Layer) endQueries(e *layers.Env, w, layer int, st *State) {
	x := l.Index
	switch {
	case x == nil:
		e.Barrier(w)
		return
	case !st.index.busy:
		e.Barrier(w)
	case e.N() <= fewRows:
		x.chooseTogether(e, w, l, st)
	default:
		e.Barrier(w)
		lo, hi := e.Share(w, e.N())
		x.prepare(e, l, st, lo, hi)
		x.chooseRows(e, w, l, st, lo, hi)
		e.Barrier(w)
	}
	x.trace(e, w, layer, st.index)
}

// chooseRows scores the contexts of the rows lo to hi-1, which are prepared, and
// chooses.
func (x *Index) chooseRows(e *layers.Env, w int, l *Layer, st *State, lo, hi int) {
	s := st.index
	for r := lo; r < hi; r++ {
		if see := int(e.Rows.Pos[r]) + 1; see > x.TopK {
			x.score(e, w, l, st, s.scores[w], r, 0, see)
			x.keep(w, s, s.scores[w][:see], r)
		}
	}
}

// prepare scales and rotates the queries of the rows lo to hi-1 and notes that they
// attend to all positions until they have chosen.
func (x *Index) prepare(e *layers.Env, l *Layer, st *State, lo, hi int) {
	s := st.index
	scale := float32(1 / math.Sqrt(float64(x.Heads*x.Dim)))
	for r := lo; r < hi; r++ {
		s.n[r] = all
		if int(e.Rows.Pos[r]) < x.TopK {
			continue
		}
		vec.Scale(s.weights[r*x.Heads:(r+1)*x.Heads], scale)
		for h := range x.Heads {
			q := s.q[(r*x.Heads+h)*x.Dim:][:x.Dim]
			vec.RopeNeox(q[:l.Rope], st.cs[r*l.Rope:(r+1)*l.Rope])
		}
	}
}

// chooseTogether ends the products, lets all workers score parts of each row's
// context, and chooses. It ends with a barrier.
func (x *Index) chooseTogether(e *layers.Env, w int, l *Layer, st *State) {
	e.BarrierThen(w, l.prepareAll)
	for r := range e.N() {
		if see := int(e.Rows.Pos[r]) + 1; see > x.TopK {
			lo, hi := e.Share(w, see)
			x.score(e, w, l, st, st.index.scores[r], r, lo, hi)
		}
	}
	if e.N() == 1 {
		e.BarrierThen(w, l.keepAll)
		return
	}
	e.Barrier(w)
	lo, hi := e.Share(w, e.N())
	x.keepRows(e, w, st.index, lo, hi)
	e.Barrier(w)
}

// keepRows chooses for the rows lo to hi-1 by their scores.
func (x *Index) keepRows(e *layers.Env, w int, s *indexState, lo, hi int) {
	for r := lo; r < hi; r++ {
		if see := int(e.Rows.Pos[r]) + 1; see > x.TopK {
			x.keep(w, s, s.scores[r][:see], r)
		}
	}
}

// score computes the scores of the positions lo to hi-1 for row r.
func (x *Index) score(e *layers.Env, w int, l *Layer, st *State, scores []float32, r, lo, hi int) {
	s := st.index
	cache, blocks := e.Rows.Batch.Cache, e.Rows.Seqs[e.Rows.Seq[r]].Blocks
	q, weight := s.q[r*x.Heads*x.Dim:][:x.Heads*x.Dim], s.weights[r*x.Heads:][:x.Heads]
	off := x.off(l, st)
	s.work[w].Begin(q, weight, s.elem, !e.Exact)
	for p := lo; p < hi; {
		in := p % st.blockTokens
		n := min(st.blockTokens-in, hi-p)
		at := int(blocks[p/st.blockTokens])*st.blockBytes + off + in*s.size
		s.work[w].Score(scores[p:p+n], cache[at:at+n*s.size])
		p += n
	}
}

func (x *Index) keep(w int, s *indexState, scores []float32, r int) {
	kept := s.work[w].Best(s.kept[r*s.topK:][:0:s.topK], scores, s.topK)
	s.n[r] = int32(len(kept))
}

// trace shows the choices to the batch's TraceSelected, if it has one.
func (x *Index) trace(e *layers.Env, w, layer int, s *indexState) {
	trace := e.Rows.Batch.TraceSelected
	if trace == nil {
		return
	}
	if w == 0 {
		for r := range e.N() {
			list := s.list(r)
			if list == nil {
				for p := range e.Rows.Pos[r] + 1 {
					list = append(list, p)
				}
			}
			trace(layer, r, list)
		}
	}
	e.Barrier(w)
}
