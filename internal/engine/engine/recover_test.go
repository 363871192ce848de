package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

// brittle is an observer that panics when it is told to.
type brittle struct{ step, finished atomic.Bool }

func (b *brittle) Step(StepInfo) {
	if b.step.CompareAndSwap(true, false) {
		panic("step oops")
	}
}

func (b *brittle) Finished(Result) {
	if b.finished.CompareAndSwap(true, false) {
		panic("finished oops")
	}
}

// TestPanicInTheBooks: a bug outside of a batch ends what runs, and the engine
// goes on with all its memory and right answers.
func TestPanicInTheBooks(t *testing.T) {
	for _, state := range []bool{false, true} {
		m := enginetest.New(100, 512, 16, state)
		m.Delay = time.Millisecond // so that nobody is done too early
		o := &brittle{}
		e := start(t, Config{Parallel: 2, MaxSeqs: 4, MaxRows: 32, Observer: o, Disk: store(t, t.TempDir())}, m)
		prompt := seq(100, 3)
		read(t, submit(t, e, greedy(prompt, 9))) // something is in the cache, and on disk
		for _, cause := range []*atomic.Bool{&o.step, &o.finished} {
			var streams []*Stream
			for i := range 6 { // two of them wait
				streams = append(streams, submit(t, e, greedy(seq(120+i, 5), 300)))
			}
			forks, err := e.SubmitN(context.Background(), []*Request{greedy(prompt, 300), greedy(prompt, 300)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := streams[0].Next(context.Background()); err != nil {
				t.Fatal(err)
			}
			cause.Store(true)
			if cause == &o.finished {
				streams[0].Cancel()
			}
			failed := 0
			for _, s := range append(streams, forks...) {
				if _, res := read(t, s); res.Reason == Failed {
					failed++
					if !strings.Contains(res.Err.Error(), "oops") {
						t.Errorf("error %v", res.Err)
					}
				}
			}
			if failed < 4 {
				t.Errorf("%d streams failed", failed)
			}
			got, res := read(t, submit(t, e, greedy(prompt, 30)))
			if d := cmp.Diff(m.Continue(prompt, 30), got); d != "" || res.Reason != Length {
				t.Errorf("afterwards: %+v %s", res, d)
			}
			settled(t, e)
		}
		if n := e.Stats().Restarts; n != 2 {
			t.Errorf("%d restarts, want 2", n)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// bomb is a mask that goes off at its second token.
type bomb struct{ n int }

func (b *bomb) Allows(int32) bool { return true }
func (b *bomb) Apply([]float32)   {}
func (b *bomb) Accept(int32) {
	if b.n++; b.n == 2 {
		panic("mask oops")
	}
}

// TestPanicOfACaller ends that caller's sequence, not its neighbours'.
func TestPanicOfACaller(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	e := start(t, Config{Parallel: 2, MaxSeqs: 4}, m)
	good := submit(t, e, greedy(seq(20, 3), 200))
	r := greedy(seq(20, 5), 200)
	r.Mask = &bomb{}
	bad := submit(t, e, r)
	if got, res := read(t, bad); res.Reason != Failed || !strings.Contains(res.Err.Error(), "mask oops") || len(got) > 2 {
		t.Errorf("%d tokens, %+v", len(got), res)
	}
	got, res := read(t, good)
	if d := cmp.Diff(m.Continue(seq(20, 3), 200), got); d != "" || res.Reason != Length {
		t.Errorf("the neighbour: %+v %s", res, d)
	}
	if e.Stats().Restarts != 0 {
		t.Error("the books were thrown away")
	}
	settled(t, e)
}

// TestPanicWhileClosing: readers are told all the same.
func TestPanicWhileClosing(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = time.Millisecond
	o := &brittle{}
	e := start(t, Config{Parallel: 2, MaxSeqs: 2, Observer: o}, m)
	var streams []*Stream
	for i := range 4 {
		streams = append(streams, submit(t, e, greedy(seq(20+i, 3), 400)))
	}
	if _, err := streams[0].Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	o.finished.Store(true)
	if err := e.Close(); err == nil || !strings.Contains(err.Error(), "finished oops") {
		t.Errorf("error %v", err)
	}
	for _, s := range streams {
		if _, res := read(t, s); res.Reason != Length && !errors.Is(res.Err, ErrClosed) {
			t.Errorf("%+v", res)
		}
	}
}
