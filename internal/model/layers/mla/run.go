package mla

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Run adds the attention of a layer to the residual stream. norm is the norm
// before it. Afterwards each worker may use its own rows, and all rows in a batch
// that it converts alone.
func (l *Layer) Run(e *layers.Env, w, layer int, st *State, norm []float32, eps float32) {
	if l.shares(e.Workers()) && (st.mode == byParts || l.takesHeads(e, st)) {
		l.runHeads(e, w, layer, st, norm, eps)
	} else {
		l.runSteps(e, w, layer, st, norm, eps)
	}
	e.Barrier(w)
	e.Project(w, l.Out, st.Out, nil)
}

// runSteps computes the attention of all rows into st.Out step by step: the steps are
// split by outputs, by rows, by heads and by tiles, with a meeting after each.
func (l *Layer) runSteps(e *layers.Env, w, layer int, st *State, norm []float32, eps float32) {
	acts := e.NormRows(w, l.kinds, norm, eps)
	down, up := l.products(st)
	e.Products(w, acts, down)
	e.Barrier(w)
	lo, hi := e.Share(w, e.N())
	l.store(e, st, lo, hi)
	if up != nil {
		acts = e.NormInto(w, l.upKinds, st.qa, l.QLora, l.qANorm, st.LatentEps)
		e.Products(w, acts, up)
		l.endQueries(e, w, layer, st)
	} else if len(st.long) > 0 {
		e.Barrier(w) // rebuilding reads the cache before it meets the others
	}
	l.attend(e, w, layer, st)
}

// store normalises the latents of the rows lo to hi-1, rotates the shared part of
// the keys and puts both into the cache; the indexer's keys likewise.
func (l *Layer) store(e *layers.Env, st *State, lo, hi int) {
	n := l.Row()
	for r := lo; r < hi; r++ {
		row := st.kva[r*n : (r+1)*n]
		vec.RMSNorm(row[:l.KVLora], row[:l.KVLora], l.kvANorm, st.LatentEps)
		vec.RopeNorm(row[l.KVLora:], st.cs[r*l.Rope:(r+1)*l.Rope])
		st.Elem.Store(st.cacheRow(e, l.cacheOff, st.params.KStride, r), row)
	}
	if l.Index != nil {
		l.Index.store(e, l, st, lo, hi)
	}
}

// cacheRow returns the bytes of row r in a part of the cache blocks that begins
// at off and has size bytes per position.
func (st *State) cacheRow(e *layers.Env, off, size, r int) []byte {
	blocks, pos := e.Rows.Seqs[e.Rows.Seq[r]].Blocks, int(e.Rows.Pos[r])
	at := int(blocks[pos/st.blockTokens])*st.blockBytes + off + pos%st.blockTokens*size
	return e.Rows.Batch.Cache[at : at+size]
}

// chunks lists the cached rows of positions [lo, hi) of a sequence.
func (l *Layer) chunks(e *layers.Env, st *State, list []attend.Chunk, seq, lo, hi int) []attend.Chunk {
	cache, blocks := e.Rows.Batch.Cache, e.Rows.Seqs[seq].Blocks
	size := st.params.KStride
	list = list[:0]
	for p := lo; p < hi; {
		in := p % st.blockTokens
		n := min(st.blockTokens-in, hi-p)
		at := int(blocks[p/st.blockTokens])*st.blockBytes + l.cacheOff + in*size
		rows := cache[at : at+n*size]
		list = append(list, attend.Chunk{K: rows, V: rows, N: n})
		p += n
	}
	return list
}

// attend ends runSteps: from the queries to the values.
func (l *Layer) attend(e *layers.Env, w, layer int, st *State) {
	claims := st.claims[claimsPerLayer*layer:]
	if len(st.long) > 0 {
		l.rebuild(e, w, claims[2], st)
	}
	if len(st.tiles) == 0 {
		return
	}
	all := l.all()
	l.eachHead(claims[0], func(h int) { l.absorbHead(e, w, st, all, h) })
	e.Barrier(w)
	if st.mode == byParts {
		l.attendParts(e, w, claims, st)
		return
	}
	l.runTiles(e, w, claims[1], st)
	e.Barrier(w)
	l.eachHead(claims[3], func(h int) { l.expandHead(e, w, st, all, h) })
}

// attendParts computes the attention of a few rows of long contexts, whose parts
// are handed out to all workers. claims are the layer's.
func (l *Layer) attendParts(e *layers.Env, w int, claims []*par.Claim, st *State) {
	all := l.all()
	l.runParts(e, w, claims[1], st)
	e.Barrier(w)
	l.eachHead(claims[3], func(h int) {
		l.mergeHead(e, w, st, h)
		l.expandHead(e, w, st, all, h)
	})
}

// eachHead calls f for heads until none is left.
func (l *Layer) eachHead(c *par.Claim, f func(h int)) {
	for {
		h, _, ok := c.Next(1, l.Heads)
		if !ok {
			return
		}
		f(h)
	}
}

// absorbHead takes the queries of one head of all rows through Kb^T and rotates
// their other part. s is where they go.
func (l *Layer) absorbHead(e *layers.Env, w int, st *State, s slab, h int) {
	k, m := &st.work[w], l.absorb[h]
	kind := m.Kind(e.Exact)
	qk := l.QK()
	for _, run := range st.runs {
		for r := run.row; r < run.row+run.n; r++ {
			q := st.q[(r*l.Heads+h)*qk:][:qk]
			k.set(kind, r, q[:l.Nope])
			kr := st.ql[s.at(r, h)+l.KVLora:][:l.Rope]
			copy(kr, q[l.Nope:])
			vec.RopeNorm(kr, st.cs[r*l.Rope:(r+1)*l.Rope])
		}
		k.mul(e, w, st.ql[s.at(run.row, h):], s.heads*s.width, m, kind, run)
	}
}

// expandHead turns one head's sums of latents of all rows into values.
func (l *Layer) expandHead(e *layers.Env, w int, st *State, s slab, h int) {
	k, m := &st.work[w], l.values[h]
	kind := m.Kind(e.Exact)
	for _, run := range st.runs {
		for r := run.row; r < run.row+run.n; r++ {
			k.set(kind, r, st.ql[s.at(r, h):][:l.KVLora])
		}
		dst := st.Out[(run.row*l.Heads+h)*l.Value:]
		k.mul(e, w, dst, l.Heads*l.Value, m, kind, run)
	}
}

// runTiles hands out tiles, and subsets of heads where there are many.
func (l *Layer) runTiles(e *layers.Env, w int, claim *par.Claim, st *State) {
	per := (l.Heads + st.heads - 1) / st.heads
	for {
		u, _, ok := claim.Next(1, len(st.tiles)*per)
		if !ok {
			return
		}
		t, h := &st.tiles[u/per], u%per*st.heads
		hn := min(st.heads, l.Heads-h)
		at := l.all().at(t.row, h)
		l.unit(e, w, st, t, hn, st.ql[at:at+t.n*hn*l.Row()])
	}
}

// unit computes the sums of latents of a tile for hn heads, over their absorbed
// queries q, [rows][heads][Row]. If the tile has several rows these must lie without
// gaps.
func (l *Layer) unit(e *layers.Env, w int, st *State, t *tile, hn int, q []float32) {
	k := &st.work[w]
	row, nq := t.row, t.n*hn
	rows := l.limits(e, st, k, row, t.n, hn)
	out := k.out[:nq*l.KVLora]
	if rows <= partRows {
		k.chunks = l.visible(e, st, k.chunks, t.seq, row, 0, rows)
		k.params.Run(k.s, out, q, nq, k.limit[:nq], nil, k.chunks)
	} else {
		parts := partsOf(rows)
		for p := range parts {
			l.part(e, w, st, k.parts[p], t, row, p, rows, q, nq)
		}
		k.params.Merge(out, k.parts[:parts])
	}
	l.put(q, out)
}

// put writes results over the queries that they came from.
func (l *Layer) put(q, out []float32) {
	for i := 0; len(out) > 0; i++ {
		copy(q[i*l.Row():], out[:l.KVLora])
		out = out[l.KVLora:]
	}
}

// limits sets how many rows each of n*hn queries sees and returns the most.
func (l *Layer) limits(e *layers.Env, st *State, k *work, row, n, hn int) int {
	most := 0
	for i := range n {
		see := int(e.Rows.Pos[row+i]) + 1
		if l.Index != nil {
			see = st.index.count(row+i, see)
		}
		for j := range hn {
			k.limit[i*hn+j] = int32(see)
		}
		most = max(most, see)
	}
	return most
}

// visible lists the cached rows lo to hi-1 of those that a row sees.
func (l *Layer) visible(e *layers.Env, st *State, list []attend.Chunk, seq, row, lo, hi int) []attend.Chunk {
	if l.Index != nil {
		if kept := st.index.list(row); kept != nil {
			return l.picked(e, st, list, seq, kept[lo:hi])
		}
	}
	return l.chunks(e, st, list, seq, lo, hi)
}

// picked lists the cached rows of ascending positions, neighbours together.
func (l *Layer) picked(e *layers.Env, st *State, list []attend.Chunk, seq int, kept []int32) []attend.Chunk {
	cache, blocks := e.Rows.Batch.Cache, e.Rows.Seqs[seq].Blocks
	size := st.params.KStride
	list = list[:0]
	for i := 0; i < len(kept); {
		p, n := int(kept[i]), 1
		in := p % st.blockTokens
		for i+n < len(kept) && int(kept[i+n]) == p+n && in+n < st.blockTokens {
			n++
		}
		at := int(blocks[p/st.blockTokens])*st.blockBytes + l.cacheOff + in*size
		rows := cache[at : at+n*size]
		list = append(list, attend.Chunk{K: rows, V: rows, N: n})
		i += n
	}
	return list
}

// part computes part p of the visible rows for some queries.
func (l *Layer) part(e *layers.Env, w int, st *State, part *attend.Partial, t *tile, row, p, rows int, q []float32, nq int) {
	k := &st.work[w]
	lo, hi := p*partRows, min((p+1)*partRows, rows)
	k.chunks = l.visible(e, st, k.chunks, t.seq, row, lo, hi)
	k.params.RunPartial(k.s, part, q, nq, k.limit[:nq], nil, k.chunks, lo)
}

// runParts hands out the parts of the context of a few rows.
func (l *Layer) runParts(e *layers.Env, w int, claim *par.Claim, st *State) {
	k := &st.work[w]
	for {
		i, _, ok := claim.Next(1, len(st.tiles)*st.parts)
		if !ok {
			return
		}
		t, p := &st.tiles[i/st.parts], i%st.parts
		rows := l.limits(e, st, k, t.row, t.n, l.Heads)
		if p < partsOf(rows) {
			at := t.row * l.Heads * l.Row()
			nq := t.n * l.Heads
			l.follow(e, st, k, t, p+e.Workers(), rows)
			l.part(e, w, st, st.spread[i], t, t.row, p, rows, st.ql[at:at+nq*l.Row()], nq)
		}
	}
}

// follow tells the scratch where the part of a tile that comes after this one
// probably begins: the workers take parts in turn.
func (l *Layer) follow(e *layers.Env, st *State, k *work, t *tile, p, rows int) {
	if lo := p * partRows; lo < rows {
		k.next = l.visible(e, st, k.next, t.seq, t.row, lo, min(lo+attend.Step, rows))
		k.s.Follow(k.next)
	}
}

// mergeHead puts the parts of one head's queries together, in the places of the
// queries.
func (l *Layer) mergeHead(e *layers.Env, w int, st *State, h int) {
	k := &st.work[w]
	for i := range st.tiles {
		t := &st.tiles[i]
		parts := st.spread[i*st.parts:][:partsOf(l.limits(e, st, k, t.row, t.n, l.Heads))]
		for r := range t.n {
			out := st.ql[((t.row+r)*l.Heads+h)*l.Row():][:l.KVLora]
			k.params.MergeQuery(out, parts, r*l.Heads+h)
		}
	}
}
