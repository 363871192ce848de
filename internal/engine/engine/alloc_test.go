package engine

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

var negInf = math.Inf(-1)

// TestDecodeAllocatesNothing drives the loop by hand, so that only its own
// allocations are counted.
func TestDecodeAllocatesNothing(t *testing.T) {
	m := enginetest.New(1000, 4096, 64, false)
	e, err := New(Config{Model: m, Usable: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	e.quit = make(chan struct{}) // the loop that New started has ended; this test is the loop now
	l := &loop{}
	mem, _, err := e.cfg.allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer mem.arena.Free()
	if err := l.init(e, mem); err != nil {
		t.Fatal(err)
	}
	e.loop = *l
	l = &e.loop
	for i := range 4 {
		r := &Request{Prompt: seq(30+i, 3), Sampling: sample.Default()}
		r.Sampling.FrequencyPenalty = 0.1
		q, err := e.newSequence(r)
		if err != nil {
			t.Fatal(err)
		}
		q.detach, q.ctxErr = func() bool { return true }, context.Background().Err
		l.sch.Add(&q.Seq)
	}
	for range 80 { // past the prompts, and a block border
		l.step()
	}
	runtime.GC()
	got := testing.AllocsPerRun(40, func() {
		if !l.drain() {
			t.Fatal("the engine closed")
		}
		l.step()
	})
	if got != 0 {
		t.Errorf("%v allocations per step of four sequences, want 0", got)
	}
}
