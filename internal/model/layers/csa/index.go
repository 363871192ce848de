package csa

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

// An Index picks the compressed rows that a layer sees: small heads score the
// rows' keys. While no more than TopK rows are visible all are kept.
type Index struct {
	Heads, Dim, TopK int
	// Comp makes the keys, as a compressor of its own (V4); nil if the keys are
	// made from the rows of the layer's source (Compressor.Keys, V4.1).
	Comp *Compressor
	// Candidates says that the layer also chooses blocks of rows, and Narrow that
	// it looks no further than into those that an earlier layer chose.
	Candidates, Narrow bool

	qB   *matmul.Matrix // [Heads*Dim] x [QLora]
	proj *matmul.Matrix // [Heads] x [embd]
}

func (x *Index) bind(b *weights.Binder, prefix string, embd, qLora int) {
	b.Matrix(&x.qB, prefix+"indexer.attn_q_b.weight", x.Heads*x.Dim, qLora)
	b.Matrix(&x.proj, prefix+"indexer.proj.weight", x.Heads, embd)
	if x.Comp != nil {
		x.Comp.bind(b, prefix, "indexer_compressor_", "indexer_compress_", embd)
	}
}

// Blocks says how rows are narrowed down to candidates before indexers score
// them: the best TopK blocks of Size rows.
type Blocks struct{ TopK, Size int }

// indexState is the indexers' memory, and what they picked.
type indexState struct {
	topK    int
	blocks  Blocks
	busy    bool      // some layer chooses in this batch; else indexers need no queries
	q       []float32 // [maxRows][Heads*Dim]
	weights []float32 // [maxRows][Heads]
	kept    []int32   // [maxRows][topK] rows, ascending
	n       []int32   // [maxRows] how many, or all
	cand    []int32   // [maxRows][Blocks.TopK] blocks, ascending
	nCand   []int32   // [maxRows] how many, or all
	scores  [][]float32
	ids     [][]int32 // [workers] candidate rows
	work    []*lightning.Scratch
}

const all = -1

func newIndexState(o model.Options, heads, dim, topK int, b Blocks) *indexState {
	n := o.MaxRows
	s := &indexState{
		topK: topK, blocks: b,
		q:       make([]float32, n*heads*dim),
		weights: make([]float32, n*heads),
		kept:    make([]int32, n*topK),
		n:       make([]int32, n),
		cand:    make([]int32, n*b.TopK),
		nCand:   make([]int32, n),
		scores:  make([][]float32, max(fewRows, o.Workers)),
		ids:     make([][]int32, o.Workers),
		work:    make([]*lightning.Scratch, o.Workers),
	}
	for w := range s.work {
		s.work[w] = &lightning.Scratch{}
		s.ids[w] = make([]int32, b.TopK*b.Size)
	}
	return s
}

func indexBytes(o model.Options, heads, dim, topK int, b Blocks) int64 {
	return 4 * (int64(o.MaxRows)*int64(heads*dim+heads+topK+b.TopK+2) + int64(o.Workers)*int64(b.TopK*b.Size))
}

// reserve makes room for the scores of a batch, before the workers start. It
// allocates only when a sequence is longer than every one before.
func (s *indexState) reserve(most int) {
	if most <= s.topK || most <= len(s.scores[0]) {
		return
	}
	for i := range s.scores {
		s.scores[i] = make([]float32, most+most/4)
	}
}

// picked returns what row r sees of n visible rows: a list, or nil for all.
func (s *indexState) picked(r int) []int32 {
	if s.n[r] == all {
		return nil
	}
	return s.kept[r*s.topK:][:s.n[r]]
}

// keys returns where the keys lie in a cache block, and their format.
func (x *Index) keys(l *Layer) (off int, elem attend.Elem) {
	if x.Comp != nil {
		return x.Comp.rowOff, x.Comp.elem
	}
	k := l.Source.Comp.Keys
	return k.rowOff, k.elem
}

// choose picks the rows that each row of the batch sees, after the products with
// the query latent. It begins and ends with a barrier; with one for both if no
// layer of the batch has to choose, since Begin has noted that they see all.
func (l *Layer) choose(e *layers.Env, w int, st *State) {
	if l.Index == nil || !st.index.busy {
		e.Barrier(w)
		return
	}
	lo, hi := e.Share(w, e.N())
	if e.N() <= fewRows && !l.Index.Narrow && l.chooses(e, st) {
		e.BarrierThen(w, l.prepareAll)
		l.scoreShares(e, w, st)
		if e.N() == 1 {
			e.BarrierThen(w, l.keepAll)
			return
		}
		e.Barrier(w)
		l.keepRows(e, w, st, lo, hi)
	} else {
		e.Barrier(w)
		l.prepare(e, st, lo, hi)
		for r := lo; r < hi; r++ {
			l.chooseAlone(e, w, st, r)
		}
	}
	e.Barrier(w)
}

// prepare scales and rotates the indexer's queries of the rows lo to hi-1, and
// notes that they see all rows until they have chosen.
func (l *Layer) prepare(e *layers.Env, st *State, lo, hi int) {
	x, s := l.Index, st.index
	scale := sqrtInv(x.Heads * x.Dim)
	for r := lo; r < hi; r++ {
		s.n[r] = all
		if x.Candidates {
			s.nCand[r] = all
		}
		if !l.scored(st, int(e.Rows.Pos[r])) {
			continue
		}
		vec.Scale(s.weights[r*x.Heads:(r+1)*x.Heads], scale)
		cs := l.angles(st).cs[r*l.Rope : (r+1)*l.Rope]
		for h := range x.Heads {
			q := s.q[(r*x.Heads+h)*x.Dim:][:x.Dim]
			vec.RopeNorm(q[x.Dim-l.Rope:], cs)
		}
	}
}

// chooses reports whether some row of the batch has more rows than it may keep.
func (l *Layer) chooses(e *layers.Env, st *State) bool {
	for r := range e.N() {
		if l.scored(st, int(e.Rows.Pos[r])) {
			return true
		}
	}
	return false
}

// begin notes that all rows see everything, until a layer chooses.
func (s *indexState) begin(e *layers.Env, st *State, list []*Layer) {
	s.busy = false
	for _, l := range list {
		s.busy = s.busy || l.Index != nil && l.chooses(e, st)
	}
	for r := range e.N() {
		s.n[r], s.nCand[r] = all, all
	}
}

// visible returns how many compressed rows a query at a position sees.
func (l *Layer) visible(pos int) int { return (pos + 1) / l.Ratio }

// scored reports whether a query at a position has more rows than it may keep.
func (l *Layer) scored(st *State, pos int) bool {
	n := l.visible(pos)
	if n > l.Index.TopK {
		return true
	}
	b := st.index.blocks
	return l.Index.Candidates && n > b.TopK*b.Size
}

// scoreShares lets all workers score parts of each row's context.
func (l *Layer) scoreShares(e *layers.Env, w int, st *State) {
	for r := range e.N() {
		if pos := int(e.Rows.Pos[r]); l.scored(st, pos) {
			lo, hi := e.Share(w, l.visible(pos))
			l.score(e, w, st, st.index.scores[r], r, lo, hi)
		}
	}
}

// keepRows chooses for the rows lo to hi-1 by their scores.
func (l *Layer) keepRows(e *layers.Env, w int, st *State, lo, hi int) {
	for r := lo; r < hi; r++ {
		if pos := int(e.Rows.Pos[r]); l.scored(st, pos) {
			l.keep(w, st, r, st.index.scores[r][:l.visible(pos)])
		}
	}
}

func (l *Layer) chooseAlone(e *layers.Env, w int, st *State, r int) {
	pos := int(e.Rows.Pos[r])
	if !l.scored(st, pos) {
		return
	}
	s, n := st.index, l.visible(pos)
	if l.Index.Narrow && s.nCand[r] != all {
		l.chooseNarrow(e, w, st, r, n)
		return
	}
	l.score(e, w, st, s.scores[w], r, 0, n)
	l.keep(w, st, r, s.scores[w][:n])
}

// score computes the scores of the compressed rows lo to hi-1 for row r.
func (l *Layer) score(e *layers.Env, w int, st *State, scores []float32, r, lo, hi int) {
	x, s, k := l.Index, st.index, &st.work[w]
	off, elem := x.keys(l)
	k.chunks = st.compressedChunks(e, k.chunks[:0], int(e.Rows.Seq[r]), off, elem.RowBytes(x.Dim), l.Ratio, lo, hi)
	q, weight := s.q[r*x.Heads*x.Dim:][:x.Heads*x.Dim], s.weights[r*x.Heads:][:x.Heads]
	s.work[w].Begin(q, weight, elem, !e.Exact)
	for i := range k.chunks {
		c := &k.chunks[i]
		s.work[w].Score(scores[lo:lo+c.N], c.K)
		lo += c.N
	}
}

// keep takes the best rows by their scores, and the best blocks if the layer
// chooses candidates.
func (l *Layer) keep(w int, st *State, r int, scores []float32) {
	s := st.index
	if l.Index.Candidates {
		s.candidates(w, r, scores)
	}
	if len(scores) > s.topK {
		s.n[r] = int32(len(s.work[w].Best(s.kept[r*s.topK:][:0:s.topK], scores, s.topK)))
	}
}

// candidates chooses blocks by the best score in each; the last is always in.
func (s *indexState) candidates(w, r int, scores []float32) {
	size := s.blocks.Size
	n := (len(scores) + size - 1) / size
	if n <= s.blocks.TopK {
		return
	}
	best := s.work[w].Blocks(n)
	for b := range best {
		best[b] = vec.Max(scores[b*size : min((b+1)*size, len(scores))])
	}
	best[n-1] = float32(math.Inf(1))
	at := r * s.blocks.TopK
	s.nCand[r] = int32(len(s.work[w].Best(s.cand[at:][:0:s.blocks.TopK], best, s.blocks.TopK)))
}

// chooseNarrow scores the candidates of a row only.
func (l *Layer) chooseNarrow(e *layers.Env, w int, st *State, r, visible int) {
	s := st.index
	size := s.blocks.Size
	ids, n := s.ids[w], 0
	scores := s.scores[w]
	for _, b := range s.cand[r*s.blocks.TopK:][:s.nCand[r]] {
		lo, hi := int(b)*size, min((int(b)+1)*size, visible)
		l.score(e, w, st, scores, r, lo, hi)
		for j := lo; j < hi; j++ {
			ids[n] = int32(j)
			n++
		}
	}
	// The scores of the candidates move together; they are ascending, so none is
	// overwritten before it is read.
	for i, j := range ids[:n] {
		scores[i] = scores[j]
	}
	kept := s.work[w].Best(s.kept[r*s.topK:][:0:s.topK], scores[:n], s.topK)
	for i, j := range kept {
		kept[i] = ids[j]
	}
	s.n[r] = int32(len(kept))
}
