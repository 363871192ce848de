package mla

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

const (
	// partRows is how many cached rows one part of a split softmax covers. Parts
	// begin at multiples of it whoever computes them, so that a row's result does
	// not depend on the batch, on the chunks of a prefill or on the workers.
	partRows = 1024
	// packHeads is from how many heads on packing pays that share the latents.
	packHeads = 128
	// buildRows is the same for rebuilt keys and values, which are computed a part
	// at a time.
	buildRows = 512
	// tileQueries is how many queries are computed together: each cached row is
	// then read once for all of them.
	tileQueries = 64
	// fewRows is the largest batch that is split by heads, each worker taking its
	// heads all the way, or by parts of the context if that is long.
	fewRows = 8
)

// A State is the memory that the attention of all layers shares.
type State struct {
	Dims        Dims
	Elem        attend.Elem
	Angles      *rope.Angles
	Scale       float32 // on the scores
	LatentEps   float32
	blockTokens int
	blockBytes  int
	params      attend.Params
	rebuilt     attend.Params

	qa  []float32 // [maxRows][QLora]
	q   []float32 // [maxRows][Heads*QK]
	kva []float32 // [maxRows][Row]
	ql  []float32 // [maxRows][Heads][Row] absorbed queries, then sums of latents
	Out []float32 // [maxRows][Heads*Value]
	cs  []float32 // [maxRows][Rope] cosines and sines

	// RebuildRows is the constant of that name; tests lower it.
	RebuildRows int

	index  *indexState
	runs   []run
	tiles  []tile
	long   []int32 // sequences of the batch that rebuild
	parts  int     // parts of the longest sequence of the batch
	mode   mode
	heads  int // heads of one unit in tile mode
	claims []*par.Claim
	spread []*attend.Partial
	work   []work
}

// mode is how the work of a batch is split.
type mode uint8

const (
	byHeads mode = iota // a worker takes its heads from query to value
	byParts             // parts of the context are handed out
	byTiles             // tiles of rows are handed out
)

// claimsPerLayer is the number of work counters of a layer: queries, attention,
// merging or rebuilding, values.
const claimsPerLayer = 4

// A run is consecutive rows of the batch whose queries are absorbed.
type run struct{ row, n int }

// A tile is some consecutive rows of one sequence.
type tile struct {
	seq, row, n int
	end         int // positions that the last row sees
}

// work is the memory of one worker.
type work struct {
	s      *attend.Scratch
	acts   *matmul.Acts // [maxRows] one head's part of each row
	rest   *matmul.Acts // [maxRows] what the codes of acts leave of it
	out    []float32    // [queries][KVLora]
	limit  []int32      // [queries]
	chunks []attend.Chunk
	next   []attend.Chunk // the first rows of what probably comes next
	parts  []*attend.Partial
	params attend.Params
	build  *build
}

// Options is what NewState needs beside the model's options.
type Options struct {
	Config    *model.Config
	Dims      Dims
	Scale     float32
	LatentEps float32
	Angles    *rope.Angles
	Spec      model.CacheSpec
}

// NewState allocates memory for the attention of all layers.
func NewState(e *layers.Env, o model.Options, s Options, list []*Layer) *State {
	d := s.Dims
	n := o.MaxRows
	st := &State{
		Dims: d, Elem: o.CacheElem, Angles: s.Angles, Scale: s.Scale, LatentEps: s.LatentEps,
		blockTokens: s.Spec.BlockTokens, blockBytes: s.Spec.BlockBytes,
		qa:  make([]float32, n*d.QLora),
		q:   make([]float32, n*d.Heads*d.QK()),
		kva: make([]float32, n*d.Row()),
		ql:  make([]float32, n*d.Heads*d.Row()),
		Out: make([]float32, n*d.Heads*d.Value),
		cs:  make([]float32, n*d.Rope),

		RebuildRows: rebuildFrom(o),

		runs:  make([]run, 0, n),
		tiles: make([]tile, 0, n),
		long:  make([]int32, 0, n),
		heads: min(d.Heads, tileQueries),
		work:  make([]work, o.Workers),
	}
	row := o.CacheElem.RowBytes(d.Row())
	st.params = attend.Params{Elem: o.CacheElem, DK: d.Row(), DV: d.KVLora, KStride: row, VStride: row, Scale: s.Scale, Fast: !o.Exact, Pack: d.Heads >= packHeads}
	st.rebuilt = attend.Params{Elem: rebuiltElem(o), DK: d.QK(), DV: d.Value, Scale: s.Scale, Fast: !o.Exact, Pack: true}
	if list[0].Index != nil {
		st.index = newIndexState(list[0].Index, o)
	}
	kinds := headKinds(list, o.Exact)
	queries := st.tileMax()
	for w := range st.work {
		k := &st.work[w]
		*k = work{
			s:      attend.NewScratch(),
			acts:   matmul.NewActs(max(n, buildRows), max(d.Nope, d.KVLora)),
			rest:   matmul.NewActs(n, max(d.Nope, d.KVLora)),
			out:    make([]float32, queries*d.KVLora),
			limit:  make([]int32, max(n, queries)),
			chunks: make([]attend.Chunk, 0, partRows/o.BlockTokens+2),
			next:   make([]attend.Chunk, 0, attend.Step),
			params: st.params,
			build:  newBuild(d, n, st.rebuilt.Elem),
		}
		k.acts.Prepare(kinds...)
		k.rest.Prepare(kinds.Without(matmul.F32)...)
	}
	for range claimsPerLayer * len(list) {
		st.claims = append(st.claims, e.NewClaim())
	}
	for _, l := range list {
		l.connect(e, st)
	}
	return st
}

// headKinds returns the kinds of activations of the products of single heads.
func headKinds(list []*Layer, exact bool) layers.Kinds {
	var k layers.Kinds
	for _, l := range list {
		k = k.Add(exact, l.absorb[0], l.values[0], l.keys[0])
	}
	return k
}

// StateBytes returns what NewState allocates. Before the transposed copies are
// made, their kind of activations is not known; it is float32.
func StateBytes(o model.Options, d Dims, list []*Layer) int64 {
	var k layers.Kinds
	for _, l := range list {
		src, _, _, _ := l.source()
		k = k.Add(o.Exact, src[0], l.values[0]).With(matmul.F32)
	}
	perRow := 4*(d.QLora+d.Heads*(d.QK()+d.Row()+d.Value)+d.Row()+d.Rope) + 48
	n := int64(o.MaxRows) * int64(perRow)
	queries := max(tileQueries, d.Heads)
	width := max(d.Nope, d.KVLora)
	worker := int64(max(o.MaxRows, buildRows))*layers.ActsBytes(width, k) +
		int64(o.MaxRows)*layers.ActsBytes(width, k.Without(matmul.F32)) +
		int64(queries)*int64(4*d.KVLora+4) + buildBytes(d, o.MaxRows, rebuiltElem(o))
	if x := list[0].Index; x != nil {
		n += x.stateBytes(o)
	}
	return n + int64(o.Workers)*worker
}

// tileMax is the largest number of queries of a unit.
func (st *State) tileMax() int { return max(tileQueries, st.Dims.Heads) }

func partsOf(rows int) int { return (rows + partRows - 1) / partRows }

// Begin plans the work of a batch, before the workers start. sparse is how many
// positions a row attends to at most, 0 for all.
func (st *State) Begin(e *layers.Env, sparse int) {
	st.tiles, st.runs, st.long, st.parts = st.tiles[:0], st.runs[:0], st.long[:0], 1
	rows := max(1, tileQueries/st.Dims.Heads)
	if sparse > 0 {
		rows = 1 // each row has positions of its own
	}
	for i := range e.Rows.Seqs {
		s := &e.Rows.Seqs[i]
		first, end := int(e.Rows.First[i]), len(s.Tokens)
		total := s.Pos + end
		if end >= st.RebuildRows && (sparse == 0 || total <= sparse) {
			st.long = append(st.long, int32(i))
			continue
		}
		st.addRun(first, end)
		// The last rows see most and take longest: they come first.
		for end > 0 {
			lo := (end - 1) / rows * rows
			st.tiles = append(st.tiles, tile{seq: i, row: first + lo, n: end - lo, end: s.Pos + end})
			end = lo
		}
		if sparse > 0 {
			total = min(total, sparse)
		}
		st.parts = max(st.parts, partsOf(total))
	}
	st.mode = byTiles
	if e.N() <= fewRows {
		st.mode = byHeads
		if st.parts > 1 && e.Workers() > 1 {
			st.mode = byParts
		}
	}
	st.makeParts()
	if st.index != nil {
		st.index.begin(e)
	}
}

// addRun notes that n rows from row on are absorbed.
func (st *State) addRun(row, n int) {
	if k := len(st.runs); k > 0 && st.runs[k-1].row+st.runs[k-1].n == row {
		st.runs[k-1].n += n
		return
	}
	st.runs = append(st.runs, run{row, n})
}

// makeParts makes room for the parts of the longest sequence. It allocates only
// when a sequence is longer than every one before.
func (st *State) makeParts() {
	if st.mode == byParts {
		for len(st.spread) < len(st.tiles)*st.parts {
			st.spread = append(st.spread, &attend.Partial{})
		}
		return
	}
	for w := range st.work {
		for len(st.work[w].parts) < st.parts {
			st.work[w].parts = append(st.work[w].parts, &attend.Partial{})
		}
	}
}

// Fill computes the rotations of worker w's own rows. A barrier has to come
// before they are used.
func (st *State) Fill(e *layers.Env, w int) {
	lo, hi := e.Share(w, e.N())
	n := st.Dims.Rope
	for r := lo; r < hi; r++ {
		st.Angles.Fill(st.cs[r*n:(r+1)*n], int(e.Rows.Pos[r]))
	}
}
