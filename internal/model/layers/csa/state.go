package csa

import (
	"encoding/binary"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/lightning"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

const (
	// fewRows is the largest batch that is split by heads instead of by rows.
	fewRows = 8
	// actRows is how many rows the first output projection takes at a time.
	actRows = 128
	// align is the alignment of everything in blocks and states.
	align = 64
	// HeaderBytes is what a state slot begins with: the position that the
	// sequence goes on from, and its last tokens.
	HeaderBytes = 64
	// LastTokens is how many tokens of a sequence its state remembers.
	LastTokens = 12
)

func alignUp(n int) int { return (n + align - 1) &^ (align - 1) }

// Layout gives every layer its places in cache blocks and state slots and
// returns their sizes.
func Layout(list []*Layer, elem attend.Elem, blockTokens int) model.CacheSpec {
	block, state := 0, HeaderBytes
	place := func(p *int, size, n int) {
		*p = block
		block += alignUp(size * n)
	}
	for _, l := range list {
		l.ringOff = state
		state += alignUp(l.Window * l.rowBytes(elem))
		for i, c := range l.compressors() {
			c.elem = elem
			if i > 0 || l.Comp == nil {
				c.elem = lightning.KeyElem(elem)
			}
			c.stateOff = state
			state += alignUp(c.stateBytes())
			place(&c.rowOff, c.elem.RowBytes(c.Dim), c.perBlock(blockTokens))
			if k := c.Keys; k != nil {
				k.elem = lightning.KeyElem(elem)
				place(&k.rowOff, k.elem.RowBytes(k.Dim), c.perBlock(blockTokens))
			}
		}
	}
	// A block is never empty: its number must lie in the cache.
	return model.CacheSpec{BlockTokens: blockTokens, BlockBytes: max(block, align), StateBytes: state}
}

// A State is the memory that the attention of all layers shares.
type State struct {
	Dims
	elem        attend.Elem
	eps         float32
	blockTokens int
	blockBytes  int
	slotBytes   int
	params      attend.Params

	qa  []float32 // [maxRows][QLora]
	q   []float32 // [maxRows][Heads][Dim] queries, then results
	kv  []float32 // [maxRows][Dim]
	o   []float32 // [maxRows][Groups*OLora]
	win []byte    // [maxRows] rows in the cache's format
	// comp is the projections of a layer's compressor and of its indexer's.
	comp  [2]projected
	index *indexState // nil without indexers

	short, long turns
	ratio       int    // smallest ratio of a layer with an indexer
	spans       []span // [sequences]
	layers      []*Layer
	claims      []*par.Claim
	work        []work
}

// claimsPerLayer is the number of work counters of a layer: attention, output.
const claimsPerLayer = 2

// work is the memory of one worker.
type work struct {
	s       *attend.Scratch
	params  attend.Params
	out     []float32 // [Heads][Dim]
	limit   []int32   // [Heads]
	chunks  []attend.Chunk
	acts    *matmul.Acts // [actRows] one group's heads
	keyActs *matmul.Acts // one compressed row
	sum     []float32    // two sums
	t1, t2  []float32
	row     []float32
	key     []float32
	cs      []float32
}

// Options is what NewState needs beside the model's options.
type Options struct {
	Dims        Dims
	Eps         float32
	Short, Long *rope.Angles // of layers without and with compressed rows
	Spec        model.CacheSpec
	Blocks      Blocks // of candidates
}

// shape is what the sizes of the scratch memory depend on.
type shape struct {
	width            [2]int // of the compressors' projections
	dim              int    // of a compressed row or key
	heads, keys, top int    // of the indexers
	ratio            int
}

func shapeOf(list []*Layer) shape {
	var s shape
	for _, l := range list {
		s.dim = max(s.dim, l.Dim)
		for i, c := range l.compressors() {
			s.width[i] = max(s.width[i], c.width())
			s.dim = max(s.dim, c.Dim)
		}
		if x := l.Index; x != nil {
			s.heads, s.keys, s.top = x.Heads, x.Dim, x.TopK
			s.dim = max(s.dim, x.Dim)
			if s.ratio == 0 || l.Ratio < s.ratio {
				s.ratio = l.Ratio
			}
		}
	}
	return s
}

// NewState allocates memory for the attention of all layers.
func NewState(e *layers.Env, o model.Options, s Options, list []*Layer) *State {
	n, d, sh := o.MaxRows, s.Dims, shapeOf(list)
	row := o.CacheElem.RowBytes(d.Dim)
	st := &State{
		Dims: d, elem: o.CacheElem, eps: s.Eps,
		blockTokens: s.Spec.BlockTokens, blockBytes: s.Spec.BlockBytes, slotBytes: s.Spec.StateBytes,
		params: attend.Params{Elem: o.CacheElem, DK: d.Dim, DV: d.Dim, KStride: row, VStride: row, Scale: sqrtInv(d.Dim), Fast: !o.Exact},
		qa:     make([]float32, n*d.QLora),
		q:      make([]float32, n*d.Heads*d.Dim),
		kv:     make([]float32, n*d.Dim),
		o:      make([]float32, n*d.Groups*d.OLora),
		win:    make([]byte, n*row),
		short:  newTurns(s.Short, n),
		long:   newTurns(s.Long, n),
		ratio:  sh.ratio,
		spans:  make([]span, 0, n),
		layers: list,
		work:   make([]work, o.Workers),
	}
	for i, width := range sh.width {
		st.comp[i] = projected{k: make([]float32, n*width), g: make([]float32, n*width)}
	}
	if sh.heads > 0 {
		st.index = newIndexState(o, sh.heads, sh.keys, sh.top, s.Blocks)
	}
	for w := range st.work {
		st.work[w] = newWork(o, d, sh, st.params, list)
	}
	for range claimsPerLayer * len(list) {
		st.claims = append(st.claims, e.NewClaim())
	}
	for _, l := range list {
		l.connect(e, st)
	}
	return st
}

func newWork(o model.Options, d Dims, sh shape, p attend.Params, list []*Layer) work {
	k := work{
		s:       attend.NewScratch(),
		params:  p,
		out:     make([]float32, d.Heads*d.Dim),
		limit:   make([]int32, d.Heads),
		chunks:  make([]attend.Chunk, 0, sh.top+d.Window),
		acts:    matmul.NewActs(min(o.MaxRows, actRows), d.Heads/d.Groups*d.Dim),
		keyActs: matmul.NewActs(1, sh.dim),
		sum:     make([]float32, 6*sh.dim),
		t1:      make([]float32, sh.dim),
		t2:      make([]float32, sh.dim),
		row:     make([]float32, sh.dim),
		key:     make([]float32, sh.dim),
		cs:      make([]float32, d.Rope),
	}
	for _, l := range list {
		k.acts.Prepare(l.outA[0].Kind(o.Exact))
		if l.Comp != nil && l.Comp.Keys != nil {
			k.keyActs.Prepare(l.Comp.Keys.m.Kind(o.Exact))
		}
	}
	return k
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, d Dims, b Blocks, list []*Layer) int64 {
	sh := shapeOf(list)
	perRow := 4*(d.QLora+d.Heads*d.Dim+d.Dim+d.Groups*d.OLora+4*d.Rope+2*sh.width[0]+2*sh.width[1]) + o.CacheElem.RowBytes(d.Dim) + 24
	n := int64(o.MaxRows) * int64(perRow)
	if sh.heads > 0 {
		n += indexBytes(o, sh.heads, sh.keys, sh.top, b)
	}
	var k layers.Kinds
	for _, l := range list {
		k = k.Add(o.Exact, l.outA[0])
	}
	worker := int64(min(o.MaxRows, actRows))*layers.ActsBytes(d.Heads/d.Groups*d.Dim, k) +
		4*int64(d.Heads*(d.Dim+1)+10*sh.dim+d.Rope) + 56*int64(sh.top+d.Window)
	return n + int64(o.Workers)*worker
}

func newTurns(a *rope.Angles, rows int) turns {
	n := rows * a.Dims()
	return turns{angles: a, cs: make([]float32, n), back: make([]float32, n)}
}

// Begin checks the states of a batch's sequences and plans the work, before the
// workers start.
func (st *State) Begin(e *layers.Env) error {
	st.spans = st.spans[:0]
	most := 0
	b := e.Rows.Batch
	for i := range e.Rows.Seqs {
		s := &e.Rows.Seqs[i]
		if s.StateSlot < 0 || (s.StateSlot+1)*st.slotBytes > len(b.State) {
			return fmt.Errorf("model: sequence %d of the batch: its state slot is %d, there are %d", i, s.StateSlot, len(b.State)/st.slotBytes)
		}
		if at := int64(binary.LittleEndian.Uint64(st.slot(e, i, 0, 8))); s.Pos > 0 && at != int64(s.Pos) {
			return fmt.Errorf("model: sequence %d of the batch: it goes on at position %d, but its state is that after %d tokens; "+
				"it can go on only from there, or from a saved state", i, s.Pos, at)
		}
		end := s.Pos + len(s.Tokens)
		st.spans = append(st.spans, span{pos: s.Pos, end: end, row: int(e.Rows.First[i])})
		most = max(most, end)
	}
	if st.index != nil {
		st.index.reserve(most / st.ratio)
		st.index.begin(e, st, st.layers)
	}
	return nil
}

// SetPos makes a state slot go on from position pos.
func SetPos(slot []byte, pos int) { binary.LittleEndian.PutUint64(slot, uint64(pos)) }

// End records in the sequences' states how far they are, after the workers.
func (st *State) End(e *layers.Env) {
	for i := range e.Rows.Seqs {
		s := &e.Rows.Seqs[i]
		SetPos(st.slot(e, i, 0, 8), s.Pos+len(s.Tokens))
		last := mem.Int32s(st.slot(e, i, 8, 4*LastTokens))
		if n := len(s.Tokens); n < LastTokens {
			copy(last, last[n:])
			copy(last[LastTokens-n:], s.Tokens)
		} else {
			copy(last, s.Tokens[n-LastTokens:])
		}
	}
}

// Token returns the token of sequence seq that stands back places before batch
// row r, or false before the beginning.
func (st *State) Token(e *layers.Env, r, back int) (int32, bool) {
	seq, pos := int(e.Rows.Seq[r]), int(e.Rows.Pos[r])
	sp := &st.spans[seq]
	switch at := pos - back; {
	case at < 0:
		return 0, false
	case at >= sp.pos:
		return e.Rows.Token[r-back], true
	default:
		return mem.Int32s(st.slot(e, seq, 8, 4*LastTokens))[LastTokens-(sp.pos-at)], true
	}
}

// slot returns n bytes of a sequence's state.
func (st *State) slot(e *layers.Env, seq, off, n int) []byte {
	at := e.Rows.Seqs[seq].StateSlot*st.slotBytes + off
	return e.Rows.Batch.State[at : at+n]
}

func (st *State) stateFloats(e *layers.Env, seq, off, n int) []float32 {
	return mem.Float32s(st.slot(e, seq, off, 4*n))
}

// Fill computes the rotations of worker w's own rows. A barrier has to come
// before they are used.
func (st *State) Fill(e *layers.Env, w int) {
	lo, hi := e.Share(w, e.N())
	for _, t := range []*turns{&st.short, &st.long} {
		n := t.angles.Dims()
		for r := lo; r < hi; r++ {
			cs, back := t.cs[r*n:(r+1)*n], t.back[r*n:(r+1)*n]
			t.angles.Fill(cs, int(e.Rows.Pos[r]))
			for i := 0; i < n; i += 2 {
				back[i], back[i+1] = cs[i], -cs[i+1]
			}
		}
	}
}
