package mla

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// For a few rows a worker takes its heads all the way from the query to the value.
// What all workers need of the others before that is so little, the rows for the
// cache, that the last to arrive makes it while the others wait.

// few reports whether the batch is computed in that way.
func (l *Layer) few(e *layers.Env, st *State) bool {
	return st.mode != byTiles && len(st.long) == 0 && e.Alone() && l.shares(e.Workers())
}

// shares reports whether the queries' projection can be split by heads.
func (l *Layer) shares(workers int) bool {
	if l.up == nil {
		return true
	}
	most := (l.Heads + workers - 1) / workers
	return l.QK()%matmul.Group == 0 && most*workers*8 <= l.Heads*9
}

// runFew computes the attention of a few rows into st.Out, after the products with
// the residual. A barrier has to come before it is used.
func (l *Layer) runFew(e *layers.Env, w, layer int, st *State) {
	e.BarrierThen(w, l.storeAll)
	choosing := l.Index != nil && st.index.busy
	switch {
	case choosing:
		acts := e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.LatentEps)
		e.Products(w, acts, l.up)
		l.Index.prepareTogether(e, w, l, st)
	case l.up != nil:
		acts := e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.LatentEps)
		lo, hi := e.Share(w, l.Heads)
		per := l.QK() / matmul.Group
		matmul.Mul(st.q, l.Heads*l.QK(), l.qB, lo*per, hi*per, acts, l.qB.Kind(e.Exact), nil, e.N(), e.Scratch(w))
	}
	lo, hi := e.Share(w, l.Heads)
	for h := lo; h < hi; h++ {
		l.absorbHead(e, w, st, h)
	}
	if choosing {
		l.Index.scoreTogether(e, w, l, st)
	}
	if l.Index != nil {
		l.Index.trace(e, w, layer, st.index)
	}
	if st.mode == byParts {
		if !choosing {
			e.Barrier(w)
		}
		l.attendParts(e, w, st.claims[claimsPerLayer*layer:], st)
		return
	}
	l.attendHeads(e, w, st, lo, hi)
}

// attendHeads computes the heads lo to hi-1 of all rows, from the absorbed queries
// to the values.
func (l *Layer) attendHeads(e *layers.Env, w int, st *State, lo, hi int) {
	if lo == hi {
		return
	}
	for i := range st.tiles {
		for r := range st.tiles[i].n {
			l.unit(e, w, st, &st.tiles[i], r, 1, lo, hi-lo)
		}
	}
	for h := lo; h < hi; h++ {
		l.expandHead(e, w, st, h)
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
