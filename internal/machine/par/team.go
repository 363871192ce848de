package par

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// A Team is a fixed set of workers. Worker 0 is whoever calls Run; the others
// are goroutines that are locked to their threads until Close.
//
// The methods Run, Pin and Close may be called from any goroutine, one at a
// time; a second caller waits. Barrier belongs to the functions that Run runs.
type Team struct {
	n    int
	spin bool // more processors than workers: look before sleeping

	mu     sync.Mutex // held by Run, Pin and Close
	closed bool
	f      func(w int) // what the current Run runs; nil ends a worker
	first  *Panic      // of the current Run; guarded by failing
	exited sync.WaitGroup

	start    word // changes when f is ready
	done     word // changes when every worker has returned from f
	left     word // workers that have not returned from f
	gate     word // generation of the barrier: changes when all have arrived
	arrived  word // workers at the barrier
	sleeping word // workers in sleep
	beds     []sleeper

	failed  atomic.Bool // a worker of the current Run has panicked
	failing sync.Mutex
}

// A Panic is what Run panics with when f panicked in a worker.
type Panic struct {
	Worker int
	Value  any    // what f panicked with
	Stack  []byte // where
}

// Error says what happened and where.
func (p *Panic) Error() string {
	return fmt.Sprintf("par: worker %d: %v\n\n%s", p.Worker, p.Value, p.Stack)
}

// Unwrap returns the panic's value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// abort is the panic that unwinds the workers who wait at a barrier for one
// that will not come.
type abort struct{}

// New starts a team of n workers, n-1 of which are new threads. It panics if n
// is not positive.
func New(n int) *Team {
	if n <= 0 {
		panic("par: New of a team without workers")
	}
	return newTeam(n, n > 1 && n <= cpu.Usable() && n <= runtime.GOMAXPROCS(0))
}

func newTeam(n int, spin bool) *Team {
	t := &Team{n: n, spin: spin, beds: make([]sleeper, n)}
	for w := range t.beds {
		t.beds[w].wake = make(chan struct{}, 1)
	}
	t.exited.Add(n - 1)
	for w := 1; w < n; w++ {
		go t.work(w)
	}
	return t
}

// Size returns the number of workers.
func (t *Team) Size() int { return t.n }

// Run calls f(w) once for every worker w in 0..Size()-1, f(0) in the calling
// goroutine, and returns when all calls have returned. It allocates nothing,
// provided that f was made before. If an f panics, Run waits for the others,
// whose next Barrier unwinds them, and panics with a *Panic. f must not call
// Run of the same team, and must not end its goroutine with runtime.Goexit.
func (t *Team) Run(f func(w int)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		panic("par: Run of a closed team")
	}
	t.run(f)
	if p := t.first; p != nil {
		panic(p)
	}
}

// run is Run without the lock. It leaves the first panic in t.first.
func (t *Team) run(f func(w int)) {
	t.f, t.first = f, nil
	t.failed.Store(false)
	t.arrived.Store(0)
	t.left.Store(uint32(t.n))
	before := t.done.Load()
	t.start.Add(1)
	t.signal()
	t.call(0)
	t.wait(0, &t.done, before)
}

// work is the life of worker w.
func (t *Team) work(w int) {
	// Never unlocked: the thread, which may be pinned, ends with the goroutine.
	runtime.LockOSThread()
	defer t.exited.Done()
	for seen := uint32(0); ; seen++ {
		t.wait(w, &t.start, seen)
		if t.f == nil {
			return
		}
		t.call(w)
	}
}

// call runs worker w's f and reports that it has ended, however it ended.
func (t *Team) call(w int) {
	returned := false
	defer func() {
		if !returned {
			t.fail(w, recover())
		}
		if t.left.Add(^uint32(0)) == 0 {
			t.done.Add(1)
			t.signal()
		}
	}()
	t.f(w)
	returned = true
}

// fail records that worker w's f did not return, and opens the barrier for
// those who wait there. A nil v means runtime.Goexit, after which the worker is
// gone and the team with it.
func (t *Team) fail(w int, v any) {
	if _, ok := v.(abort); ok {
		return
	}
	t.failing.Lock()
	defer t.failing.Unlock()
	if v == nil {
		t.closed = true
		v = "runtime.Goexit called inside Run"
	}
	if t.first == nil {
		t.first = &Panic{Worker: w, Value: v, Stack: debug.Stack()}
	}
	t.failed.Store(true)
	t.gate.Add(1)
	t.signal()
}

// Barrier returns when every worker has called it. Everything that a worker
// wrote before it, the others see after it. Worker w passes its own number.
// Every worker must call Barrier or BarrierThen the same number of times in one
// Run.
func (t *Team) Barrier(w int) { t.BarrierThen(w, nil) }

// BarrierThen is a Barrier at which the worker that comes last calls f with its
// number before anybody goes on, for what is too small to be shared out. Every
// worker passes an f that does the same.
func (t *Team) BarrierThen(w int, f func(w int)) {
	if t.n == 1 {
		if f != nil {
			f(w)
		}
		return
	}
	gen := t.gate.Load()
	if t.failed.Load() {
		panic(abort{})
	}
	if t.arrived.Add(1) == uint32(t.n) {
		t.arrived.Store(0)
		if f != nil {
			f(w)
		}
		t.gate.Add(1)
		t.signal()
		return
	}
	t.wait(w, &t.gate, gen)
	if t.failed.Load() {
		panic(abort{})
	}
}

// Meetings returns how often the workers of a team of two or more have met at a
// barrier, modulo 1<<32, so that tests can count.
func (t *Team) Meetings() uint32 { return t.gate.Load() }

// Close ends the workers and waits until they are gone. Calling it again does
// nothing. It must not be called from inside Run.
func (t *Team) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.f = nil
	t.start.Add(1)
	t.signal()
	t.exited.Wait()
}
