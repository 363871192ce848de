package attention

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// Run computes the attention of all rows into st.Out. A unit of work is one
// tile and one key and value head; a few rows of long sequences are split
// further, by parts of the cache. It ends with a barrier.
func (l *Layer) Run(e *layers.Env, w, layer int, st *State) {
	l.run(e, w, layer, st, st.tiles)
}

// RunLast is Run for the tiles that hold a row whose logits are wanted.
func (l *Layer) RunLast(e *layers.Env, w, layer int, st *State) {
	l.run(e, w, layer, st, st.last)
}

func (l *Layer) run(e *layers.Env, w, layer int, st *State, tiles []tile) {
	units := len(tiles) * l.KVHeads
	if st.spreads(e) {
		l.runSpread(e, w, layer, st, tiles)
	} else {
		claim := st.claims[2*layer]
		for {
			u, _, ok := claim.Next(1, units)
			if !ok {
				break
			}
			l.runTile(e, w, st, &tiles[u/l.KVHeads], u%l.KVHeads)
		}
	}
	e.Barrier(w)
}

// runTile computes one tile of one head, part after part.
func (l *Layer) runTile(e *layers.Env, w int, st *State, t *tile, head int) {
	k := &st.work[w]
	nq := t.n * (l.Heads / l.KVHeads)
	q := l.queries(e, st, k, t, head)
	out := l.outTile(st, k, t, head)
	seq := &e.Rows.Seqs[t.seq]
	if t.end <= partRows {
		k.chunks = l.chunks(e, st, k.chunks, seq, head, 0, t.end)
		st.paramsOf(t).Run(k.s, out, q, nq, k.limit[:nq], nil, k.chunks)
	} else {
		n := partsOf(t.end)
		for p := range n {
			l.runPart(e, st, k, k.parts[p], t, head, p, q)
		}
		st.paramsOf(t).Merge(out, k.parts[:n])
	}
	l.scatter(st, out, t, head)
}

// runPart computes part p of one tile of one head.
func (l *Layer) runPart(e *layers.Env, st *State, k *work, part *attend.Partial, t *tile, head, p int, q []float32) {
	nq := t.n * (l.Heads / l.KVHeads)
	lo, hi := p*partRows, min((p+1)*partRows, t.end)
	k.chunks = l.chunks(e, st, k.chunks, &e.Rows.Seqs[t.seq], head, lo, hi)
	st.paramsOf(t).RunPartial(k.s, part, q, nq, k.limit[:nq], nil, k.chunks, lo)
}

// runSpread is runTile with the parts handed out to all workers, who meet
// before the parts are put together.
func (l *Layer) runSpread(e *layers.Env, w, layer int, st *State, tiles []tile) {
	k, units := &st.work[w], len(tiles)*l.KVHeads
	claim, merge := st.claims[2*layer], st.claims[2*layer+1]
	for {
		i, _, ok := claim.Next(1, units*st.parts)
		if !ok {
			break
		}
		u, p := i/st.parts, i%st.parts
		t, head := &tiles[u/l.KVHeads], u%l.KVHeads
		if p < partsOf(t.end) {
			l.follow(e, st, k, tiles, i+e.Workers())
			l.runPart(e, st, k, st.spread[i], t, head, p, l.queries(e, st, k, t, head))
		}
	}
	e.Barrier(w)
	for {
		u, _, ok := merge.Next(1, units)
		if !ok {
			break
		}
		t, head := &tiles[u/l.KVHeads], u%l.KVHeads
		out := l.outTile(st, k, t, head)
		st.paramsOf(t).Merge(out, st.spread[u*st.parts:u*st.parts+partsOf(t.end)])
		l.scatter(st, out, t, head)
	}
}

// follow tells the scratch where the part number i of runSpread begins, which
// probably comes next: the workers take parts in turn.
func (l *Layer) follow(e *layers.Env, st *State, k *work, tiles []tile, i int) {
	u, p := i/st.parts, i%st.parts
	if u >= len(tiles)*l.KVHeads {
		return
	}
	t, head := &tiles[u/l.KVHeads], u%l.KVHeads
	if lo := p * partRows; lo < t.end {
		k.next = l.chunks(e, st, k.next, &e.Rows.Seqs[t.seq], head, lo, min(lo+attend.Step, t.end))
		k.s.Follow(k.next)
	}
}

// paramsOf returns how a tile meets the cache.
func (st *State) paramsOf(t *tile) *attend.Params {
	if t.many {
		return &st.packed
	}
	return &st.params
}

// queries returns the tile's query vectors of one head's group, [rows][group],
// and sets how many positions each of them sees.
func (l *Layer) queries(e *layers.Env, st *State, k *work, t *tile, head int) []float32 {
	g := l.Heads / l.KVHeads
	width, part := l.width(), g*l.KeyDim
	for i := range t.n * g {
		k.limit[i] = e.Rows.Pos[t.row+i/g] + 1
	}
	if t.n == 1 {
		at := t.row*width + head*part
		return st.qkv[at : at+part]
	}
	for r := range t.n {
		copy(k.q[r*part:(r+1)*part], st.qkv[(t.row+r)*width+head*part:])
	}
	return k.q[:t.n*part]
}

// outTile returns where the tile's results go: straight to their place if it is
// one row, else to the worker's memory, from where scatter takes them.
func (l *Layer) outTile(st *State, k *work, t *tile, head int) []float32 {
	part := l.Heads / l.KVHeads * l.ValueDim
	if t.n == 1 {
		at := t.row*l.Heads*l.ValueDim + head*part
		return st.Out[at : at+part]
	}
	return k.out[:t.n*part]
}

func (l *Layer) scatter(st *State, out []float32, t *tile, head int) {
	if t.n == 1 {
		return
	}
	part := l.Heads / l.KVHeads * l.ValueDim
	for r := range t.n {
		copy(st.Out[(t.row+r)*l.Heads*l.ValueDim+head*part:], out[r*part:(r+1)*part])
	}
}
