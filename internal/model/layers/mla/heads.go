package mla

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// Where enough heads come to a worker, it takes some of them all the way from the
// query to the value, for all rows, and meets nobody meanwhile: before that only the
// rows for the cache and the query latents have to be there. Every worker then reads
// all latents, while it computes for no less time.

const (
	// enoughQueries is how many queries must meet a cached row together for that: with
	// 8 the arithmetic takes as long as reading the row from memory, which all workers
	// do at the same time then, each the whole context.
	enoughQueries = 16
	// chunkQueries is how many should, at least, before the heads of a worker are
	// handed out in smaller portions.
	chunkQueries = 16
	// packedQueries is both where each pass packs the latents first: that takes as long
	// as three queries, and parts of the context are packed once.
	packedQueries = 64
)

// A slab is where the queries of some heads lie in State.ql, [rows][heads][width].
type slab struct{ start, first, heads, width int }

// at returns where head h of a row begins.
func (s slab) at(row, h int) int { return s.start + (row*s.heads+h-s.first)*s.width }

// all is the slab of all heads.
func (l *Layer) all() slab { return slab{heads: l.Heads, width: l.Row()} }

// takesHeads reports whether that pays for the batch.
func (l *Layer) takesHeads(e *layers.Env, st *State) bool {
	enough := enoughQueries
	if st.params.Packs() {
		enough = packedQueries
	}
	return st.mode == byHeads || l.queries(e, st, l.perWorker(e)) >= enough
}

// shares reports whether the queries' projection can be split by heads.
func (l *Layer) shares(workers int) bool {
	most := (l.Heads + workers - 1) / workers
	return l.QK()%matmul.Group == 0 && most*workers*8 <= l.Heads*9
}

func (l *Layer) perWorker(e *layers.Env) int { return (l.Heads + e.Workers() - 1) / e.Workers() }

// queries returns how many queries of some heads meet a cached row together, on
// average.
func (l *Layer) queries(e *layers.Env, st *State, heads int) int {
	seqs := len(e.Rows.Seqs) - len(st.long)
	switch {
	case seqs == 0: // all are rebuilt
		return heads * packedQueries
	case l.Index != nil && st.index.busy:
		return heads
	}
	rows := 0
	for _, r := range st.runs {
		rows += r.n
	}
	return heads * rows / seqs
}

// portions returns into how many portions the heads are cut.
func (l *Layer) portions(e *layers.Env, st *State) int {
	per, enough := l.perWorker(e), chunkQueries
	if st.params.Packs() {
		enough = packedQueries
	}
	return e.Workers() * max(1, min(l.queries(e, st, per)/enough, l.Heads/e.Workers()))
}

// runHeads computes the attention of all rows into st.Out by heads, or only their
// queries if a few rows of long contexts are split by parts. A barrier has to come
// before it is used.
func (l *Layer) runHeads(e *layers.Env, w, layer int, st *State, norm []float32, eps float32) {
	var acts *matmul.Acts
	m := l.q // what is left to compute of the queries
	if l.up != nil {
		m = l.qB
	}
	switch choosing := l.Index != nil && st.index.busy; {
	case e.OwnRows():
		acts = l.ownRows(e, w, layer, st, norm, eps)
	case choosing:
		acts = l.allRows(e, w, st, norm, eps)
		e.Products(w, acts, l.up)
		l.endQueries(e, w, layer, st)
		m = nil
	default:
		acts = l.allRows(e, w, st, norm, eps)
		if l.up == nil {
			m = nil
		}
		if l.Index != nil {
			l.Index.trace(e, w, layer, st.index)
		}
	}
	claims := st.claims[claimsPerLayer*layer:]
	if l.takesHeads(e, st) {
		l.eachPortion(e, w, claims[0], st, m, acts)
		return
	}
	lo, hi := e.Share(w, l.Heads)
	l.makeQueries(e, w, st, m, acts, lo, hi)
	all := l.all()
	for h := lo; h < hi; h++ {
		l.absorbHead(e, w, st, all, h)
	}
	e.Barrier(w)
	l.attendParts(e, w, claims, st)
}

// allRows computes the products with the residual, split by outputs, and stores the
// rows for the cache. It returns the query latents, converted.
func (l *Layer) allRows(e *layers.Env, w int, st *State, norm []float32, eps float32) *matmul.Acts {
	acts := e.NormRows(w, l.kinds, norm, eps)
	down, _ := l.products(st)
	e.Products(w, acts, down)
	if e.Alone() {
		// The rows for the cache are so little that the last to arrive makes them
		// while the others wait.
		e.BarrierThen(w, l.storeAll)
	} else {
		e.Barrier(w)
		lo, hi := e.Share(w, e.N())
		l.store(e, st, lo, hi)
	}
	if l.up != nil {
		return e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.LatentEps)
	}
	if !e.Alone() {
		e.Barrier(w)
	}
	return acts
}

// ownRows is allRows where each worker computes its own rows alone; without a query
// latent it returns the residual, converted. If there is a choice it also makes that.
// It ends with a barrier.
func (l *Layer) ownRows(e *layers.Env, w, layer int, st *State, norm []float32, eps float32) *matmul.Acts {
	lo, hi := e.Share(w, e.N())
	acts := e.NormOwn(w, l.kinds, norm, eps)
	down, up := l.products(st)
	if up == nil {
		down = down[:1] // without the queries, which are split by heads
	}
	e.OwnProducts(w, acts, down)
	l.store(e, st, lo, hi)
	if up != nil {
		acts = e.NormOwnInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.LatentEps)
	}
	if l.Index != nil && st.index.busy {
		e.OwnProducts(w, acts, up[1:])
		l.Index.prepare(e, l, st, lo, hi)
		e.Barrier(w)
		l.Index.chooseRows(e, w, l, st, lo, hi)
	}
	e.Barrier(w)
	if l.Index != nil {
		l.Index.trace(e, w, layer, st.index)
	}
	return acts
}

// eachPortion takes portions of the heads all the way, until none is left. m, if not
// nil, makes their queries of acts.
func (l *Layer) eachPortion(e *layers.Env, w int, claim *par.Claim, st *State, m *matmul.Matrix, acts *matmul.Acts) {
	n := l.portions(e, st)
	st.growParts(w)
	for {
		i, _, ok := claim.Next(1, n)
		if !ok {
			return
		}
		lo, hi := par.Split(l.Heads, 1, i, n)
		if lo == hi {
			continue // fewer heads than workers
		}
		l.makeQueries(e, w, st, m, acts, lo, hi)
		if len(st.tiles) > 0 {
			l.attendHeads(e, w, st, lo, hi)
		}
		for _, seq := range st.long {
			for h := lo; h < hi; h++ {
				l.rebuildHead(e, w, st, int(seq), h)
			}
		}
	}
}

// makeQueries computes the queries of the heads lo to hi-1, unless m is nil.
func (l *Layer) makeQueries(e *layers.Env, w int, st *State, m *matmul.Matrix, acts *matmul.Acts, lo, hi int) {
	if per := l.QK() / matmul.Group; m != nil {
		matmul.Mul(st.q, l.Heads*l.QK(), m, lo*per, hi*per, acts, m.Kind(e.Exact), nil, e.N(), e.Scratch(w))
	}
}

// attendHeads computes the heads lo to hi-1 of all absorbed rows, from the queries to
// the values.
func (l *Layer) attendHeads(e *layers.Env, w int, st *State, lo, hi int) {
	s := slab{start: lo * e.N() * l.Row(), first: lo, heads: hi - lo, width: l.Row()}
	for h := lo; h < hi; h++ {
		l.absorbHead(e, w, st, s, h)
	}
	most := max(1, tileQueries/s.heads)
	if l.Index != nil {
		most = 1 // each row has positions of its own
	}
	for i := range e.Rows.Seqs {
		if slices.Contains(st.long, int32(i)) {
			continue
		}
		first := int(e.Rows.First[i])
		end := first + len(e.Rows.Seqs[i].Tokens)
		for r := first; r < end; r += most {
			t := tile{seq: i, row: r, n: min(most, end-r)}
			l.unit(e, w, st, &t, s.heads, st.ql[s.at(r, lo):s.at(r+t.n, lo)])
		}
	}
	for h := lo; h < hi; h++ {
		l.expandHead(e, w, st, s, h)
	}
}

// growParts makes room for the parts of the longest sequence, each of which one
// worker computes.
func (st *State) growParts(w int) {
	k := &st.work[w]
	for len(k.parts) < st.parts {
		k.parts = append(k.parts, &attend.Partial{})
	}
}

// products returns what this batch multiplies with: those of the indexer's queries,
// the last, are left out while nothing is chosen.
func (l *Layer) products(st *State) (down, up []layers.Product) {
	if l.Index == nil || st.index.busy {
		return l.down, l.up
	}
	return l.down[:len(l.down)-1], l.up[:len(l.up)-1]
}
