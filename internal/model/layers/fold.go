package layers

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// A Folder takes the results of sublayers in place of the residual stream: with
// hyper-connections there are several streams, the input of a sublayer is a mix of
// them, and X only holds its result. In a batch that every worker converts alone it passes on the
// columns that it computed at once, while they are in its cache.
type Folder interface {
	// FoldGroups returns how many row groups of outputs are passed on together.
	FoldGroups() int
	// Fold takes columns from to to-1 of all rows of X from worker w.
	Fold(w, from, to int)
}

// TakeOver sets who takes the results. NormRows and NormOwn then read Src instead
// of X, and in a batch that is Alone Project and its like compute X, do not add to it,
// and do not end with a barrier.
func (e *Env) TakeOver(f Folder) {
	e.folder = f
	e.src = make([]float32, len(e.X))
	for w := range e.workers {
		e.workers[w].src = make([]float32, e.alone*e.Embd)
	}
}

// SrcBytes returns what TakeOver allocates.
func SrcBytes(o model.Options, embd int) int64 {
	return 4 * int64(o.MaxRows+o.Workers*alone(o.Workers)) * int64(embd)
}

// Src returns what NormRows and NormOwn of worker w read: [rows][Embd], the
// worker's own in a batch that is Alone, or simply X.
func (e *Env) Src(w int) []float32 {
	switch {
	case e.folder == nil:
		return e.X
	case e.Alone():
		return e.workers[w].src
	}
	return e.src
}

func (e *Env) folds() bool { return e.folder != nil && e.Alone() }

// NextOutputs claims the next of groups row groups of outputs, to be added to X.
func (e *Env) NextOutputs(c *par.Claim, groups int) (lo, hi int, ok bool) {
	if !e.folds() {
		return e.Next(c, groups)
	}
	if lo, hi, ok = e.next(c, groups, e.folder.FoldGroups()); ok {
		for r := range e.Rows.N {
			clear(e.X[r*e.Embd+lo*matmul.Group : r*e.Embd+min(hi*matmul.Group, e.Embd)])
		}
	}
	return lo, hi, ok
}

// DoneOutputs says that worker w has added the outputs of the row groups [lo, hi).
func (e *Env) DoneOutputs(w, lo, hi int) {
	if e.folds() {
		e.folder.Fold(w, lo*matmul.Group, min(hi*matmul.Group, e.Embd))
	}
}

// EndOutputs ends what NextOutputs began, with a barrier unless a Folder has taken
// the results.
func (e *Env) EndOutputs(w int) {
	if !e.folds() {
		e.Barrier(w)
	}
}
