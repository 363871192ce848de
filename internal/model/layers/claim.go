package layers

import "github.com/holdfast-llm/holdfast/internal/machine/par"

// ringSize is how many claims the ring of an Env has: many times more than any
// step between two barriers uses.
const ringSize = 64

// Claim returns the work counter of the step that worker w has come to. Every
// worker must call it for the same steps in the same order, with a barrier
// after every few.
//
// The counters are used in turn. Each call also sets back the one on the other
// side of the ring: workers are never more than a barrier apart, so nobody can
// be using that one.
func (e *Env) Claim(w int) *par.Claim {
	k := e.workers[w].turn
	e.workers[w].turn = k + 1
	e.ring[(k+ringSize/2)%ringSize].Reset()
	return &e.ring[k%ringSize]
}

// How a step is cut. A smallest piece is a part of a worker's even share; with more
// than someRows rows arithmetic counts, which likes larger pieces; with manyRows
// and more nothing else counts, and pieces are equal.
const (
	smallest     = 256
	smallestSome = 16
	someRows     = 16
	equalPieces  = 6
	manyRows     = 128
)

// Next claims the next of n units of work for a step of the current batch. The cores
// of a machine are not always equally fast, nor equally free: pieces get smaller
// towards the end.
func (e *Env) Next(c *par.Claim, n int) (lo, hi int, ok bool) {
	return e.next(c, n, 1)
}

// NextUneven is Next for work whose units take unequal time.
func (e *Env) NextUneven(c *par.Claim, n int) (lo, hi int, ok bool) {
	if len(e.workers) == 1 {
		return c.Next(n, n)
	}
	return c.NextShrinking(max(1, n/(len(e.workers)*smallest)), n, len(e.workers))
}

// next is Next in multiples of unit.
func (e *Env) next(c *par.Claim, n, unit int) (lo, hi int, ok bool) {
	size := len(e.workers)
	if size == 1 {
		return c.Next(n, n)
	}
	parts := size * smallest
	switch {
	case e.Rows.N >= manyRows:
		parts = size * equalPieces
		piece := (n + parts - 1) / parts
		return c.Next((piece+unit-1)/unit*unit, n)
	case e.Rows.N > someRows:
		parts = size * smallestSome
	}
	least := max(1, n/parts)
	return c.NextShrinking((least+unit-1)/unit*unit, n, size)
}
