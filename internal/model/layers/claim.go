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

// piecesPerWorker is how many pieces of a step each worker gets on average. The
// cores of a machine are not always equally fast, nor equally free.
const piecesPerWorker = 6

// Grain returns how many of n units of work to claim at a time. The number of
// pieces is a multiple of the number of workers where n allows it, so that equal
// workers finish together.
func (e *Env) Grain(n int) int {
	pieces := len(e.workers) * piecesPerWorker
	if len(e.workers) == 1 {
		pieces = 1
	}
	return max(1, (n+pieces-1)/pieces)
}
