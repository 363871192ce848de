package attention

import (
	"math"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

const (
	// partRows is how many cache rows one part of a split softmax covers. Parts
	// begin at multiples of it, counted from the start of the sequence, whoever
	// computes them, so that the result of a row does not depend on the batch, on
	// the chunks of a prefill or on the workers.
	partRows = 512
	// tileQueries is how many query vectors that share a key and value head are
	// computed together: each cache row is then read once for all of them.
	tileQueries = 64
	// spreadRows is the largest batch whose parts are spread over the workers.
	// Larger ones have enough tiles to go round.
	spreadRows = 8
	// packFrom is from how many tokens of one sequence in a Forward on its queries
	// meet packed rows (attend.Params.Pack). It is a matter of that sequence alone,
	// so that a result does not depend on the rest of the batch; a deterministic
	// model, whose results do not depend on the pieces of a prompt either, does not
	// pack.
	packFrom = 16
)

// A State is the memory that the attention of all layers shares.
type State struct {
	Elem        attend.Elem
	Style       Style
	Angles      *rope.Angles
	params      attend.Params
	packed      attend.Params // params for packed rows
	eps         float32
	blockTokens int
	blockBytes  int
	qkvWidth    int
	outWidth    int

	qkv []float32 // [maxRows][qkvWidth] rows of q, k, v
	Out []float32 // [maxRows][outWidth] result, heads side by side
	cs  []float32 // [maxRows][rope dims] cosines and sines

	tiles  []tile
	last   []tile       // those with a row whose logits are wanted
	claims []*par.Claim // two for each layer
	spread []*attend.Partial
	parts  int // parts of the longest sequence of the batch
	work   []work
}

// A tile is some consecutive rows of one sequence.
type tile struct {
	seq, row, n int
	end         int  // positions that the last row sees
	many        bool // packFrom tokens or more
}

// work is the memory of one worker.
type work struct {
	s      *attend.Scratch
	q      []float32 // [tileQueries][KeyDim]
	out    []float32 // [tileQueries][ValueDim]
	limit  []int32   // [tileQueries] positions that each query sees
	chunks []attend.Chunk
	next   []attend.Chunk // the first rows of what probably comes next
	parts  []*attend.Partial
}

// NewState allocates memory for the attention of c's sizes.
func NewState(e *layers.Env, o model.Options, c *model.Config, s Style, a *rope.Angles) *State {
	qkv, out := widths(c)
	spec := CacheSpec(c, o.CacheElem, o.BlockTokens)
	st := &State{
		Elem: o.CacheElem, Style: s, Angles: a, eps: c.Eps,
		blockTokens: spec.BlockTokens, blockBytes: spec.BlockBytes,
		params: attend.Params{
			Fast: !o.Exact, // of effect with a bf16 cache
			Elem: o.CacheElem, DK: c.KeyDim, DV: c.ValueDim,
			Scale: float32(1 / math.Sqrt(float64(c.KeyDim))),
		},
		qkvWidth: qkv, outWidth: out,
		qkv:   make([]float32, o.MaxRows*qkv),
		Out:   make([]float32, o.MaxRows*out),
		cs:    make([]float32, o.MaxRows*a.Dims()),
		tiles: make([]tile, 0, o.MaxRows),
		last:  make([]tile, 0, o.MaxRows),
		work:  make([]work, o.Workers),
	}
	st.packed = st.params
	st.packed.Pack = !o.Deterministic && !o.Exact
	queries := tileSize(c)
	for w := range st.work {
		st.work[w] = work{
			s:      attend.NewScratch(),
			q:      make([]float32, queries*c.KeyDim),
			out:    make([]float32, queries*c.ValueDim),
			limit:  make([]int32, queries),
			chunks: make([]attend.Chunk, 0, partRows/o.BlockTokens+2),
			next:   make([]attend.Chunk, 0, attend.Step),
		}
	}
	for range 2 * c.Layers {
		st.claims = append(st.claims, e.NewClaim())
	}
	return st
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, c *model.Config) int64 {
	qkv, out := widths(c)
	n := int64(o.MaxRows) * int64(4*(qkv+out+c.Rope.Dims)+40)
	return n + int64(o.Workers)*int64(tileSize(c))*int64(4*(c.KeyDim+c.ValueDim)+4)
}

// widths returns the longest rows of any layer.
func widths(c *model.Config) (qkv, out int) {
	for i, h := range c.Heads {
		qkv = max(qkv, h*c.KeyDim+c.KVHeads[i]*(c.KeyDim+c.ValueDim))
		out = max(out, h*c.ValueDim)
	}
	return qkv, out
}

// group returns how many query heads share a key and value head, at most.
func group(c *model.Config) int {
	g := 1
	for i, h := range c.Heads {
		g = max(g, h/c.KVHeads[i])
	}
	return g
}

// tileSize returns how many queries a tile has at most.
func tileSize(c *model.Config) int { return max(tileQueries, group(c)) }

// Begin cuts the rows of the batch into tiles, the last rows of each sequence
// first: they see most and take longest, and the short ones fill the gaps.
func (st *State) Begin(e *layers.Env, c *model.Config) {
	st.tiles, st.parts = st.tiles[:0], 1
	rows := max(1, tileQueries/group(c))
	for i := range e.Rows.Seqs {
		s := &e.Rows.Seqs[i]
		first, many := int(e.Rows.First[i]), len(s.Tokens) >= packFrom
		for end := len(s.Tokens); end > 0; {
			lo := (end - 1) / rows * rows
			st.tiles = append(st.tiles, tile{seq: i, row: first + lo, n: end - lo, end: s.Pos + end, many: many})
			end = lo
		}
		st.parts = max(st.parts, partsOf(s.Pos+len(s.Tokens)))
	}
	st.last = st.last[:0]
	for _, t := range st.tiles {
		i, _ := slices.BinarySearch(e.Rows.Out, int32(t.row))
		if i < len(e.Rows.Out) && int(e.Rows.Out[i]) < t.row+t.n {
			st.last = append(st.last, t)
		}
	}
	st.makeParts(e, c)
}

func partsOf(rows int) int { return (rows + partRows - 1) / partRows }

// makeParts makes room for the parts of the longest sequence. It allocates only
// when a sequence is longer than every one before.
func (st *State) makeParts(e *layers.Env, c *model.Config) {
	if st.spreads(e) {
		heads := 0
		for _, kv := range c.KVHeads {
			heads = max(heads, kv)
		}
		for len(st.spread) < len(st.tiles)*heads*st.parts {
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

// spreads reports whether the parts of each tile go to different workers.
func (st *State) spreads(e *layers.Env) bool {
	return st.parts > 1 && e.N() <= spreadRows && e.Workers() > 1
}
