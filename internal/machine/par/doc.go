// Package par runs one function on a fixed team of threads.
//
// A model's forward pass is one Team.Run: every worker walks the same layer
// program on its share of the rows and meets the others at Barrier. Goroutines
// and channels would cost too much there: waking a goroutine that is locked to
// a thread takes microseconds to a hundred of them, and a layer has several
// meeting points. So the workers live as long as the team, each on a thread of
// its own, and wait for the next phase by looking at a counter in a cache line;
// only when nothing comes for a while do they sleep.
//
// Three rules keep the spinning harmless. It is bounded in time. It happens in
// Go code with a preemption point in every turn, because the garbage collector
// stops the world by asking each goroutine to pause, and assembly cannot be
// asked: a thread that spins inside an assembly routine hangs the process. And
// it does not happen at all when there are fewer processors than workers, for
// then the one who spins keeps the one he waits for from running.
package par
