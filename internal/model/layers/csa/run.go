package csa

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Run computes the attention of a layer from e.Src and adds it to e.X. norm is
// the norm before it. Afterwards each worker may use its own rows of e.X, and all
// rows in a private batch.
func (l *Layer) Run(e *layers.Env, w, layer int, st *State, norm []float32) {
	down, up := l.products(st)
	if l.straight(e, st) {
		e.Products(w, e.NormRows(w, l.kinds, norm, st.eps), down)
		e.BarrierThen(w, l.storeAll)
		l.runGroups(e, w, st)
	} else {
		acts := l.latents(e, w, st, norm, down)
		e.Products(w, acts, up)
		l.choose(e, w, st)
		l.attend(e, w, st, st.claims[claimsPerLayer*layer:])
	}
	l.trace(e, w, layer, st)
	e.Barrier(w)
	l.keepState(e, w, st)
	e.Project(w, l.OutB, st.o, nil)
}

// latents computes the products with the residual and makes the rows of the batch's
// own tokens, also the compressed ones, which need a barrier before they are used.
// It returns the query latents, converted.
func (l *Layer) latents(e *layers.Env, w int, st *State, norm []float32, down []layers.Product) *matmul.Acts {
	e.Products(w, e.NormRows(w, l.kinds, norm, st.eps), down)
	e.Barrier(w)
	l.store(e, w, st)
	l.emit(e, w, st)
	return e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.eps)
}

// straight reports whether a worker takes its groups of heads all the way from
// the query latent to the first output projection. What all of them need before,
// the rows of the batch's own tokens, is so little that the last to arrive makes
// it while the others wait.
func (l *Layer) straight(e *layers.Env, st *State) bool {
	return e.Alone() && e.Workers() <= l.Groups && (l.Index == nil || !st.index.busy)
}

// runGroups takes worker w's groups of heads all the way.
func (l *Layer) runGroups(e *layers.Env, w int, st *State) {
	acts := e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.eps)
	g0, g1 := e.Share(w, l.Groups)
	width := l.Heads / l.Groups * l.Dim
	lo, hi := g0*width/matmul.Group, g1*width/matmul.Group
	matmul.Mul(st.q, l.Heads*l.Dim, l.qB, lo, hi, acts, l.qB.Kind(e.Exact), nil, e.N(), e.Scratch(w))
	l.attendGroups(e, w, st)
}

// products returns what this batch multiplies with.
func (l *Layer) products(st *State) (down, up []layers.Product) {
	if l.Index == nil || st.index.busy {
		return l.down, l.up
	}
	return l.down[:len(l.down)-1], l.up[:len(l.up)-1]
}

// store normalises and rotates the rows of the worker's own tokens.
func (l *Layer) store(e *layers.Env, w int, st *State) {
	lo, hi := e.Share(w, e.N())
	l.storeRows(st, lo, hi)
}

func (l *Layer) storeRows(st *State, lo, hi int) {
	size := st.params.KStride
	for r := lo; r < hi; r++ {
		row := st.kv[r*l.Dim : (r+1)*l.Dim]
		vec.RMSNorm(row, row, l.kvNorm, st.eps)
		vec.RopeNorm(row[l.Dim-l.Rope:], l.angles(st).cs[r*l.Rope:(r+1)*l.Rope])
		st.elem.Store(st.win[r*size:(r+1)*size], row)
	}
}

// emit makes the compressed rows whose last token is in the batch. The workers
// share them out.
func (l *Layer) emit(e *layers.Env, w int, st *State) {
	total := 0
	l.eachEmission(st, func(int, *Compressor, int, int) { total++ })
	if total == 0 {
		return
	}
	lo, hi := e.Share(w, total)
	l.emitSome(e, w, st, lo, hi)
}

// emitSome makes the rows lo to hi-1 of those.
func (l *Layer) emitSome(e *layers.Env, w int, st *State, lo, hi int) {
	i := 0
	l.eachEmission(st, func(n int, c *Compressor, seq, j int) {
		if i >= lo && i < hi {
			c.emit(e, st, w, seq, j, st.spans[seq], st.comp[n])
		}
		i++
	})
}

// eachEmission calls f for every row j that compressor number n of the layer
// makes of a sequence.
func (l *Layer) eachEmission(st *State, f func(n int, c *Compressor, seq, j int)) {
	n := 0
	each := func(c *Compressor) {
		for seq := range st.spans {
			sp := &st.spans[seq]
			for j := sp.pos / c.Ratio; j < sp.end/c.Ratio; j++ {
				f(n, c, seq, j)
			}
		}
		n++
	}
	if l.Comp != nil {
		each(l.Comp)
	}
	if l.Index != nil && l.Index.Comp != nil {
		each(l.Index.Comp)
	}
}

// keepState brings the sequences' windows and sums up to the end of the batch.
func (l *Layer) keepState(e *layers.Env, w int, st *State) {
	size := st.params.KStride
	lo, hi := e.Share(w, e.N())
	for r := lo; r < hi; r++ {
		seq, pos := int(e.Rows.Seq[r]), int(e.Rows.Pos[r])
		if pos >= st.spans[seq].end-l.Window {
			copy(st.slot(e, seq, l.ringOff+pos%l.Window*size, size), st.win[r*size:])
		}
	}
	lo, hi = e.Share(w, len(st.spans))
	for seq := lo; seq < hi; seq++ {
		if l.Comp != nil {
			l.Comp.keep(e, st, w, seq, st.spans[seq], st.comp[0])
		}
		if l.Index != nil && l.Index.Comp != nil {
			l.Index.Comp.keep(e, st, w, seq, st.spans[seq], st.comp[l.indexComp()])
		}
	}
}

// indexComp returns the number of the indexer's compressor.
func (l *Layer) indexComp() int {
	if l.Comp != nil {
		return 1
	}
	return 0
}

// attend computes the attention of all rows and the first output projection.
func (l *Layer) attend(e *layers.Env, w int, st *State, claims []*par.Claim) {
	switch {
	case e.N() <= fewRows && e.Workers() <= l.Groups:
		l.attendGroups(e, w, st)
		return
	case e.N() <= fewRows:
		lo, hi := e.Share(w, l.Heads)
		for r := range e.N() {
			l.unit(e, w, st, r, lo, hi-lo)
		}
	default:
		for {
			r, _, ok := claims[0].Next(1, e.N())
			if !ok {
				break
			}
			// The last rows of a sequence see most: they come first.
			l.unit(e, w, st, e.N()-1-r, 0, l.Heads)
		}
	}
	e.Barrier(w)
	rows := min(len(st.qa)/l.QLora, actRows)
	pieces := (e.N() + rows - 1) / rows
	for {
		u, _, ok := claims[1].Next(1, l.Groups*pieces)
		if !ok {
			return
		}
		lo := u % pieces * rows
		l.project(e, w, st, u/pieces, lo, min(lo+rows, e.N()))
	}
}

// attendGroups is attend for worker w's groups of heads.
func (l *Layer) attendGroups(e *layers.Env, w int, st *State) {
	g0, g1 := e.Share(w, l.Groups)
	per := l.Heads / l.Groups
	for r := range e.N() {
		l.unit(e, w, st, r, g0*per, (g1-g0)*per)
	}
	rows := min(len(st.qa)/l.QLora, actRows)
	for g := g0; g < g1; g++ {
		for lo := 0; lo < e.N(); lo += rows {
			l.project(e, w, st, g, lo, min(lo+rows, e.N()))
		}
	}
}

// project computes the first output projection of group g for the rows lo to hi-1.
func (l *Layer) project(e *layers.Env, w int, st *State, g, lo, hi int) {
	k, m := &st.work[w], l.outA[g]
	kind := m.Kind(e.Exact)
	for r := lo; r < hi; r++ {
		k.acts.Set(kind, r-lo, st.q[r*l.Heads*l.Dim+g*m.Cols:][:m.Cols])
	}
	ld := l.Groups * l.OLora
	matmul.Mul(st.o[lo*ld+g*l.OLora:], ld, m, 0, m.Groups(), k.acts, kind, nil, hi-lo, e.Scratch(w))
}

// unit computes the attention of row r for hn heads from h on, over their
// queries in st.q.
func (l *Layer) unit(e *layers.Env, w int, st *State, r, h, hn int) {
	if hn == 0 {
		return
	}
	k := &st.work[w]
	t := l.angles(st)
	cs, back := t.cs[r*l.Rope:(r+1)*l.Rope], t.back[r*l.Rope:(r+1)*l.Rope]
	q := st.q[(r*l.Heads+h)*l.Dim:][:hn*l.Dim]
	for i := range hn {
		head := q[i*l.Dim : (i+1)*l.Dim]
		if l.HeadNorm {
			vec.RMSNorm(head, head, nil, st.eps)
		}
		vec.RopeNorm(head[l.Dim-l.Rope:], cs)
	}
	n := l.gatherRows(e, st, k, r)
	for i := range hn {
		k.limit[i] = int32(n)
	}
	k.params.Sinks = l.sinks[h : h+hn]
	out := k.out[:hn*l.Dim]
	k.params.Run(k.s, out, q, hn, k.limit[:hn], nil, k.chunks)
	for i := range hn {
		vec.RopeNorm(out[i*l.Dim : (i+1)*l.Dim][l.Dim-l.Rope:], back)
	}
	copy(q, out)
}

// gatherRows lists in k.chunks what row r attends to, the window first, and
// returns the number of rows.
func (l *Layer) gatherRows(e *layers.Env, st *State, k *work, r int) int {
	seq, pos := int(e.Rows.Seq[r]), int(e.Rows.Pos[r])
	sp := &st.spans[seq]
	size := st.params.KStride
	lo := max(0, pos-l.Window+1)
	total := pos - lo + 1
	k.chunks = k.chunks[:0]
	for p := lo; p < sp.pos; {
		at := p % l.Window
		n := min(l.Window-at, sp.pos-p)
		rows := st.slot(e, seq, l.ringOff+at*size, n*size)
		k.chunks = append(k.chunks, attend.Chunk{K: rows, V: rows, N: n})
		p += n
	}
	first := sp.row + max(lo, sp.pos) - sp.pos
	rows := st.win[first*size : (r+1)*size]
	k.chunks = append(k.chunks, attend.Chunk{K: rows, V: rows, N: r + 1 - first})
	if l.Source == nil {
		return total
	}
	c, n := l.Source.Comp, l.visible(pos)
	if l.Index != nil || l.Reuse {
		if kept := st.index.picked(r); kept != nil {
			k.chunks = st.pickedChunks(e, k.chunks, seq, c.rowOff, size, l.Ratio, kept)
			return total + len(kept)
		}
	}
	k.chunks = st.compressedChunks(e, k.chunks, seq, c.rowOff, size, l.Ratio, 0, n)
	return total + n
}

// trace shows what was picked to the batch's TraceSelected, if it has one.
func (l *Layer) trace(e *layers.Env, w, layer int, st *State) {
	trace := e.Rows.Batch.TraceSelected
	if trace == nil || l.Index == nil && !l.Reuse {
		return
	}
	if w == 0 {
		for r := range e.N() {
			list := st.index.picked(r)
			if list == nil {
				for j := range l.visible(int(e.Rows.Pos[r])) {
					list = append(list, int32(j))
				}
			}
			trace(layer, r, list)
		}
	}
	e.Barrier(w)
}
