package csa

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// A Compressor makes one row of every Ratio tokens: in each dimension a softmax
// over the tokens weighs their values. The row is then normalised and rotated to
// the position of its first token.
//
// With Overlap a row also takes the tokens of the block before, through another
// half of the projections: columns [0, Dim) serve the block after a token's own,
// columns [Dim, 2*Dim) its own.
//
// The softmax runs token by token, with a running maximum, so that an unfinished
// block is three vectors per row in the making, and the result does not depend
// on how a prompt was cut.
type Compressor struct {
	Ratio, Dim, Rope int
	Overlap          bool
	// Gated says that there are gates; without, a row is the token's own.
	Gated bool
	// Phases says that gates have a learned shift per place in the block.
	Phases bool
	// Keys, if not nil, makes the indexer's keys from the finished rows.
	Keys *Keys

	kv, gate *matmul.Matrix // [width] x [embd]
	ape      []float32      // [Ratio][width]
	norm     []float32      // [Dim]

	elem     attend.Elem
	rowOff   int // first byte of the rows in a cache block
	stateOff int // first byte of the sums in a state slot
}

// Keys makes the key of an indexer from a normalised row that is not rotated yet.
type Keys struct {
	Dim    int
	m      *matmul.Matrix // [Dim] x [the row's Dim]
	norm   []float32      // [Dim]
	elem   attend.Elem
	rowOff int
}

// width returns the number of columns of the projections.
func (c *Compressor) width() int {
	if c.Overlap {
		return 2 * c.Dim
	}
	return c.Dim
}

func (c *Compressor) bind(b *weights.Binder, prefix, name, alias string, embd int) {
	if !b.Has(prefix+name+"kv.weight") && alias != "" && b.Has(prefix+alias+"kv.weight") {
		name = alias
	}
	b.Matrix(&c.kv, prefix+name+"kv.weight", c.width(), embd)
	if c.Gated {
		b.Matrix(&c.gate, prefix+name+"gate.weight", c.width(), embd)
	}
	if c.Phases {
		b.Table(&c.ape, b.FirstOf(prefix+name+"ape.weight", prefix+name+"ape"), c.Ratio, c.width())
	}
	b.Vector(&c.norm, prefix+name+"norm.weight", c.Dim)
	if k := c.Keys; k != nil {
		b.Matrix(&k.m, prefix+"indexer.attn_k.weight", k.Dim, c.Dim)
		b.Vector(&k.norm, prefix+"indexer.k_norm.weight", k.Dim)
	}
}

// sums returns the number of running sums: one per row in the making.
func (c *Compressor) sums() int {
	switch {
	case !c.Gated:
		return 0
	case c.Overlap:
		return 2
	}
	return 1
}

// stateBytes is the size of the running sums in a state slot.
func (c *Compressor) stateBytes() int { return c.sums() * 3 * c.Dim * 4 }

// perBlock returns how many rows end in a cache block at most.
func (c *Compressor) perBlock(blockTokens int) int { return (blockTokens + c.Ratio - 1) / c.Ratio }

// A sum is a softmax in the making: for each dimension the largest gate so far,
// and the sums of weights and of weighted values under it. l[0] == 0 says that
// it is empty.
type sum struct{ m, l, v []float32 }

func sumOf(x []float32) sum {
	n := len(x) / 3
	return sum{x[:n:n], x[n : 2*n : 2*n], x[2*n:]}
}

func (s sum) reset() { s.l[0] = 0 }

func (s sum) set(o sum) {
	copy(s.m, o.m)
	copy(s.l, o.l)
	copy(s.v, o.v)
}

// add takes one token in. t1 and t2 are scratch.
func (s sum) add(k, g, shift, t1, t2 []float32) {
	n := len(s.m)
	t1, t2, g, k = t1[:n], t2[:n], g[:n], k[:n]
	copy(t2, g)
	if shift != nil {
		vec.Add(t2, shift[:n])
	}
	if s.l[0] == 0 {
		copy(s.m, t2)
		for i := range s.l {
			s.l[i] = 1
		}
		copy(s.v, k)
		return
	}
	for i, v := range t2 {
		top := max(s.m[i], v)
		t1[i], t2[i] = s.m[i]-top, v-top
		s.m[i] = top
	}
	vec.Exp(t1, t1)
	vec.Exp(t2, t2)
	for i, a := range t1 {
		s.l[i] = s.l[i]*a + t2[i]
		s.v[i] = s.v[i]*a + k[i]*t2[i]
	}
}

// projected is a compressor's view of a batch: its projections of all rows.
type projected struct {
	k, g []float32 // [maxRows][width]
}

// span is the part of a sequence that a batch computes.
type span struct {
	pos, end int // positions
	row      int // batch row of pos
}

// gather fills s with what is known of block j before position end: the sums of
// the state if the block began before the batch, then the batch's own tokens.
func (c *Compressor) gather(s sum, j, end int, sp span, old [2]sum, x projected, t1, t2 []float32) {
	now := sp.pos / c.Ratio // the block that the batch's first token is in
	start := j * c.Ratio
	from := start
	half := 0
	if c.Overlap {
		half = c.Dim
	}
	s.reset()
	switch {
	case sp.pos > 0 && j == now:
		s.set(old[0])
		from = sp.pos
	case c.Overlap && j > 0 && j-1 == now:
		before := start - c.Ratio
		if sp.pos > before {
			s.set(old[1])
			before = sp.pos
		}
		c.take(s, before, start, 0, sp, x, t1, t2)
	case c.Overlap && j > 0:
		c.take(s, start-c.Ratio, start, 0, sp, x, t1, t2)
	}
	c.take(s, from, end, half, sp, x, t1, t2)
}

// ahead fills s with what block j contributes to the one after it.
func (c *Compressor) ahead(s sum, j, end int, sp span, old [2]sum, x projected, t1, t2 []float32) {
	from := j * c.Ratio
	s.reset()
	if sp.pos > from {
		s.set(old[1])
		from = sp.pos
	}
	c.take(s, from, end, 0, sp, x, t1, t2)
}

// take adds the tokens at positions from to end-1, by the columns from col on.
func (c *Compressor) take(s sum, from, end, col int, sp span, x projected, t1, t2 []float32) {
	width := c.width()
	for p := from; p < end; p++ {
		at := (sp.row+p-sp.pos)*width + col
		var shift []float32
		if c.ape != nil {
			shift = c.ape[p%c.Ratio*width+col:]
		}
		s.add(x.k[at:at+c.Dim], x.g[at:at+c.Dim], shift, t1, t2)
	}
}

// emit makes row j of a sequence and stores it. k is worker memory.
func (c *Compressor) emit(e *layers.Env, st *State, w, seq, j int, sp span, x projected) {
	k := &st.work[w]
	row := k.row[:c.Dim]
	if c.Gated {
		s := sumOf(k.sum[:3*c.Dim])
		c.gather(s, j, (j+1)*c.Ratio, sp, c.old(e, st, seq), x, k.t1, k.t2)
		for i, v := range s.v {
			row[i] = v / s.l[i]
		}
	} else {
		at := sp.row + j*c.Ratio - sp.pos
		copy(row, x.k[at*c.width():])
	}
	vec.RMSNorm(row, row, c.norm, st.eps)
	cs := k.cs[:c.Rope]
	st.long.angles.Fill(cs, j*c.Ratio)
	if c.Keys != nil {
		c.Keys.emit(e, st, w, seq, j, c, row, cs)
	}
	vec.RopeNorm(row[c.Dim-c.Rope:], cs)
	c.elem.Store(st.compressed(e, seq, c.rowOff, c.elem.RowBytes(c.Dim), c.Ratio, j), row)
}

func (x *Keys) emit(e *layers.Env, st *State, w, seq, j int, c *Compressor, row, cs []float32) {
	k := &st.work[w]
	kind := x.m.Kind(e.Exact)
	k.keyActs.Set(kind, 0, row)
	key := k.key[:x.Dim]
	matmul.Mul(key, x.Dim, x.m, 0, x.m.Groups(), k.keyActs, kind, nil, 1, e.Scratch(w))
	vec.RMSNorm(key, key, x.norm, st.eps)
	vec.RopeNorm(key[x.Dim-c.Rope:], cs)
	x.elem.Store(st.compressed(e, seq, x.rowOff, x.elem.RowBytes(x.Dim), c.Ratio, j), key)
}

// old returns the sums in a sequence's state: the block in the making, and with
// overlap what it gives to the next.
func (c *Compressor) old(e *layers.Env, st *State, seq int) (s [2]sum) {
	x := st.stateFloats(e, seq, c.stateOff, c.sums()*3*c.Dim)
	for i := range c.sums() {
		s[i] = sumOf(x[i*3*c.Dim : (i+1)*3*c.Dim])
	}
	return s
}

// keep brings the sums in a sequence's state up to the end of the batch.
func (c *Compressor) keep(e *layers.Env, st *State, w, seq int, sp span, x projected) {
	if !c.Gated {
		return
	}
	k := &st.work[w]
	n := 3 * c.Dim
	j := sp.end / c.Ratio
	old := c.old(e, st, seq)
	now := sumOf(k.sum[:n])
	c.gather(now, j, sp.end, sp, old, x, k.t1, k.t2)
	if c.Overlap {
		next := sumOf(k.sum[n : 2*n])
		c.ahead(next, j, sp.end, sp, old, x, k.t1, k.t2)
		old[1].set(next)
	}
	old[0].set(now)
}

// compressed returns the bytes of compressed row j of a sequence, in a part of
// the cache blocks that begins at off. The row is in the block that holds the
// last of its tokens, behind the rows that end earlier there.
func (st *State) compressed(e *layers.Env, seq, off, size, ratio, j int) []byte {
	bt := st.blockTokens
	block := ((j+1)*ratio - 1) / bt
	at := int(e.Rows.Seqs[seq].Blocks[block])*st.blockBytes + off + (j-block*bt/ratio)*size
	return e.Rows.Batch.Cache[at : at+size]
}

// compressedChunks appends the compressed rows lo to hi-1 of a sequence.
func (st *State) compressedChunks(e *layers.Env, list []attend.Chunk, seq, off, size, ratio, lo, hi int) []attend.Chunk {
	bt, cache, blocks := st.blockTokens, e.Rows.Batch.Cache, e.Rows.Seqs[seq].Blocks
	for j := lo; j < hi; {
		block := ((j+1)*ratio - 1) / bt
		n := min(hi, (block+1)*bt/ratio) - j
		at := int(blocks[block])*st.blockBytes + off + (j-block*bt/ratio)*size
		rows := cache[at : at+n*size]
		list = append(list, attend.Chunk{K: rows, V: rows, N: n})
		j += n
	}
	return list
}

// pickedChunks appends compressed rows by number, neighbours together.
func (st *State) pickedChunks(e *layers.Env, list []attend.Chunk, seq, off, size, ratio int, kept []int32) []attend.Chunk {
	for i := 0; i < len(kept); {
		n := 1
		for i+n < len(kept) && int(kept[i+n]) == int(kept[i])+n {
			n++
		}
		list = st.compressedChunks(e, list, seq, off, size, ratio, int(kept[i]), int(kept[i])+n)
		i += n
	}
	return list
}

// sqrtInv is 1/sqrt(n).
func sqrtInv(n int) float32 { return float32(1 / math.Sqrt(float64(n))) }
