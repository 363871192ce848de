package layers

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

const (
	// PrivateRows is the largest batch of which every worker makes all small
	// decisions on its own.
	PrivateRows = 8
	// aloneWorkers is the largest team whose workers each normalise and convert all
	// rows of a batch that is not split by rows: n workers do the same n times, which is
	// little beside the products, and save four meetings of nine.
	aloneWorkers = 4
	// ownRows is from how many rows per worker on a projection into the residual
	// is split by rows instead of by outputs. Every worker then reads the whole
	// matrix, which costs nothing once the arithmetic outweighs the reading, and
	// goes on with the norm of its own rows without meeting the others.
	ownRows = 32
)

// An Env is what the layers of one model share during a Forward.
type Env struct {
	Team  *par.Team
	Exact bool // float32 activations on dequantized weights
	Rows  Rows
	Embd  int
	X     []float32 // [maxRows][Embd] the residual stream

	src     []float32    // see TakeOver
	folder  Folder       // see TakeOver
	acts    *matmul.Acts // shared activations of maxRows rows
	fine    bool         // there are fine products
	rest    *matmul.Acts // what the codes of acts leave
	workers []worker
	alone   int          // largest batch whose rows every worker converts on its own
	iota    []int32      // [maxRows] 0, 1, 2, ...: row lists are cut from it
	claims  []*par.Claim // reset at every Begin
	ring    [ringSize]par.Claim
}

// worker is the memory of one worker.
type worker struct {
	mul  *matmul.Scratch
	acts *matmul.Acts // rows converted by this worker alone
	rest *matmul.Acts // what their codes leave
	src  []float32    // [alone][Embd] see Src
	row  []float32    // [maxCols] one row on its way to being converted
	turn int          // how many claims of the ring the worker has used
	_    [64]byte     // keeps turn out of the next worker's cache line
}

// Shape is what an Env needs to know in advance.
type Shape struct {
	Embd    int   // width of the residual stream
	MaxCols int   // widest activation row that a matrix multiplies with
	Kinds   Kinds // all kinds that occur

	Fine     bool // there are fine products
	FineCols int  // widest activation row of one, if more than Embd
}

// NewEnv allocates the shared memory for batches of up to o.MaxRows rows.
func NewEnv(o model.Options, s Shape) *Env {
	e := &Env{
		Team:  o.Team,
		Exact: o.Exact,
		Embd:  s.Embd,
		X:     make([]float32, o.MaxRows*s.Embd),
		acts:  matmul.NewActs(o.MaxRows, s.MaxCols),
		fine:  s.Fine,
		rest:  s.rests(o.MaxRows),
		alone: alone(o.Workers),
		iota:  make([]int32, o.MaxRows),
	}
	for i := range e.iota {
		e.iota[i] = int32(i)
	}
	e.acts.Prepare(s.Kinds...)
	e.Rows.init(o.MaxRows)
	e.workers = make([]worker, o.Workers)
	for w := range e.workers {
		acts := matmul.NewActs(e.alone, s.MaxCols)
		acts.Prepare(s.Kinds...)
		e.workers[w] = worker{mul: matmul.NewScratch(), acts: acts, rest: s.rests(e.alone), row: make([]float32, s.MaxCols)}
	}
	return e
}

// EnvBytes returns what NewEnv allocates, without allocating it.
func EnvBytes(o model.Options, s Shape) int64 {
	rows := int64(o.MaxRows + o.Workers*alone(o.Workers))
	n := rows * (ActsBytes(s.MaxCols, s.Kinds) + ActsBytes(s.fineCols(), s.fineKinds()))
	n += int64(o.MaxRows) * int64(4*s.Embd+6*4)
	return n + int64(o.Workers)*int64(4*s.MaxCols)
}

// alone returns the largest batch whose rows each of n workers converts on its own.
func alone(n int) int {
	if n > aloneWorkers {
		return PrivateRows
	}
	return ownRows*n - 1
}

// ActsBytes returns the memory of one row of activations in the given kinds.
func ActsBytes(cols int, kinds Kinds) int64 {
	a := matmul.NewActs(1, cols)
	a.Prepare(kinds...)
	return int64(a.Bytes())
}

// Begin takes over the rows of a batch. It is called before the workers start.
func (e *Env) Begin(b *model.Batch, c *model.Config, spec model.CacheSpec) error {
	for _, claim := range e.claims {
		claim.Reset()
	}
	for i := range e.ring {
		e.ring[i].Reset()
	}
	for w := range e.workers {
		e.workers[w].turn = 0
	}
	return e.Rows.Set(b, c, spec)
}

// NewClaim returns a work counter that starts over at every Begin. One step of
// one layer uses it.
func (e *Env) NewClaim() *par.Claim {
	c := &par.Claim{}
	e.claims = append(e.claims, c)
	return c
}

// Scratch returns the matrix scratch of worker w.
func (e *Env) Scratch(w int) *matmul.Scratch { return e.workers[w].mul }

// Row returns a row of memory of worker w, which NormRows overwrites.
func (e *Env) Row(w int) []float32 { return e.workers[w].row }

// N returns the number of rows of the current batch.
func (e *Env) N() int { return e.Rows.N }

// Workers returns the size of the team.
func (e *Env) Workers() int { return len(e.workers) }

// Barrier lets worker w wait for the others.
func (e *Env) Barrier(w int) { e.Team.Barrier(w) }

// BarrierThen is Barrier; the last to arrive calls f before the others go on.
func (e *Env) BarrierThen(w int, f func(w int)) { e.Team.BarrierThen(w, f) }

// Share returns worker w's part of n units of work.
func (e *Env) Share(w, n int) (lo, hi int) { return par.Split(n, 1, w, len(e.workers)) }

// RowList returns the row numbers lo to hi-1, for Mul.
func (e *Env) RowList(lo, hi int) []int32 { return e.iota[lo:hi] }

// Private reports whether every worker makes all small decisions about all rows
// on its own. Such a batch is also Alone.
func (e *Env) Private() bool { return e.Rows.N <= PrivateRows }

// Alone reports whether every worker normalises and converts all rows on its own.
func (e *Env) Alone() bool { return e.Rows.N <= e.alone }

// OwnRows reports whether a worker projects its own rows alone.
func (e *Env) OwnRows() bool { return e.Rows.N >= ownRows*len(e.workers) && !e.Alone() }

// Converts returns where worker w converts activations to, and which rows are
// its own: all of them in a private batch.
func (e *Env) Converts(w int) (acts *matmul.Acts, lo, hi int) {
	return e.converts(w, e.Private())
}

// ConvertsAll is Converts where every worker has all rows of a batch that is Alone.
func (e *Env) ConvertsAll(w int) (acts *matmul.Acts, lo, hi int) {
	return e.converts(w, e.Alone())
}

func (e *Env) converts(w int, alone bool) (acts *matmul.Acts, lo, hi int) {
	if alone {
		return e.workers[w].acts, 0, e.Rows.N
	}
	lo, hi = e.Share(w, e.Rows.N)
	return e.acts, lo, hi
}

// NormRows normalises the rows of the residual stream and converts them. It
// ends with a barrier, unless every worker converts all rows alone.
func (e *Env) NormRows(w int, kinds Kinds, weight []float32 /* [Embd] */, eps float32) *matmul.Acts {
	return e.NormRowsFine(w, kinds, nil, weight, eps)
}

// NormRowsFine is NormRows before products of which some, those of the kinds fine,
// are fine.
func (e *Env) NormRowsFine(w int, kinds, fine Kinds, weight []float32 /* [Embd] */, eps float32) *matmul.Acts {
	acts := e.norm(w, kinds, fine, weight, eps, e.Alone())
	if !e.Alone() {
		e.Barrier(w)
	}
	return acts
}

// NormOwn is NormRows without the barrier: in a batch that is not private only
// the worker's own rows may be used afterwards.
func (e *Env) NormOwn(w int, kinds Kinds, weight []float32 /* [Embd] */, eps float32) *matmul.Acts {
	return e.norm(w, kinds, nil, weight, eps, e.Private())
}

func (e *Env) norm(w int, kinds, fine Kinds, weight []float32, eps float32, alone bool) *matmul.Acts {
	acts, lo, hi := e.converts(w, alone)
	row := e.workers[w].row[:e.Embd]
	src := e.Src(w)
	for r := lo; r < hi; r++ {
		vec.RMSNorm(row, src[r*e.Embd:(r+1)*e.Embd], weight, eps)
		kinds.Set(acts, r, row)
		e.SetRests(w, acts, r, row, fine...)
	}
	return acts
}

// Project adds m times the rows of x, and a bias if there is one, to the
// residual stream. Afterwards every worker may use its own rows of X, and all
// rows in a batch that it converts alone.
func (e *Env) Project(w int, m *matmul.Matrix, x []float32 /* [N][m.Cols] */, bias []float32 /* [Embd] */) {
	e.project(w, m, x, bias, false)
}

// ProjectFine is Project as a fine product.
func (e *Env) ProjectFine(w int, m *matmul.Matrix, x []float32 /* [N][m.Cols] */) {
	e.project(w, m, x, nil, true)
}

func (e *Env) project(w int, m *matmul.Matrix, x, bias []float32, fine bool) {
	if e.OwnRows() {
		acts := e.convertRows(w, m, x, fine)
		lo, hi := e.Share(w, e.Rows.N)
		e.mul(w, matmul.MulAdd, e.X[lo*e.Embd:], e.Embd, m, 0, m.Groups(), acts, e.iota[lo:hi], hi-lo, fine)
		e.addBias(bias, lo, hi, 0, e.Embd)
		return
	}
	acts := e.convertRows(w, m, x, fine)
	if !e.Alone() {
		e.Barrier(w)
	}
	claim, groups := e.Claim(w), m.Groups()
	for {
		lo, hi, ok := e.NextOutputs(claim, groups)
		if !ok {
			break
		}
		e.mul(w, matmul.MulAdd, e.X, e.Embd, m, lo, hi, acts, nil, e.Rows.N, fine)
		e.addBias(bias, 0, e.Rows.N, lo*matmul.Group, min(hi*matmul.Group, e.Embd))
		e.DoneOutputs(w, lo, hi)
	}
	e.EndOutputs(w)
}

// ConvertRows converts the rows of x for products with m. It ends with a barrier,
// unless every worker converts all rows alone.
func (e *Env) ConvertRows(w int, m *matmul.Matrix, x []float32 /* [N][m.Cols] */) *matmul.Acts {
	acts := e.convertRows(w, m, x, false)
	if !e.Alone() {
		e.Barrier(w)
	}
	return acts
}

func (e *Env) convertRows(w int, m *matmul.Matrix, x []float32, fine bool) *matmul.Acts {
	kind := m.Kind(e.Exact)
	acts, lo, hi := e.converts(w, e.Alone())
	for r := lo; r < hi; r++ {
		row := x[r*m.Cols : (r+1)*m.Cols]
		acts.Set(kind, r, row)
		if fine {
			e.SetRests(w, acts, r, row, kind)
		}
	}
	return acts
}

// addBias adds columns from to to-1 of bias to the rows lo to hi-1 of X.
func (e *Env) addBias(bias []float32, lo, hi, from, to int) {
	if bias == nil || from >= to {
		return
	}
	for r := lo; r < hi; r++ {
		vec.Add(e.X[r*e.Embd+from:r*e.Embd+to], bias[from:to])
	}
}

// Embed looks up the embedding of the worker's own rows; if every worker converts
// all rows alone, they share the rows out and meet.
func (e *Env) Embed(w int, m *matmul.Matrix) {
	lo, hi := e.Share(w, e.Rows.N)
	for r := lo; r < hi; r++ {
		matmul.Row(e.X[r*e.Embd:(r+1)*e.Embd], m, int(e.Rows.Token[r]))
	}
	if e.Alone() {
		e.Barrier(w)
	}
}

// Trace shows the residual stream to the batch's Trace function, if it has one.
func (e *Env) Trace(w, layer int) {
	trace := e.Rows.Batch.Trace
	if trace == nil {
		return
	}
	e.Barrier(w)
	if w == 0 {
		trace(layer, e.X[:e.Rows.N*e.Embd])
	}
	e.Barrier(w)
}
