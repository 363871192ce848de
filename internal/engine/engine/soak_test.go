package engine

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// TestSoak sends requests from many goroutines, which share beginnings, are
// cancelled at random, and do not all fit into the cache: every token must be
// the model's own, and nothing may be left over.
func TestSoak(t *testing.T) {
	for _, state := range []bool{false, true} {
		before := runtime.NumGoroutine()
		m := enginetest.New(100, 128, 4, state)
		e := start(t, Config{Parallel: 2, MaxSeqs: 6, MaxRows: 40}, m)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 7))
				for range 40 {
					soakOne(t, e, m, r)
				}
			})
		}
		wg.Wait()
		deadline := time.Now().Add(5 * time.Second)
		for st := e.Stats(); st.Running > 0 || st.Queued > 0 || st.Cache.Used > 0 || st.Cache.SlotsUsed > 0; st = e.Stats() {
			if time.Now().After(deadline) {
				t.Fatalf("left over: %+v", st)
			}
			time.Sleep(time.Millisecond)
		}
		st := e.Stats()
		t.Logf("state %v: %d steps, %d preemptions, %d canceled, cache %+v", state, st.Steps, st.Preemptions, st.Canceled, st.Cache)
		e.Close()
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func soakOne(t *testing.T, e *Engine, m *enginetest.Model, r *rand.Rand) {
	prompt := seq(r.IntN(40), 3) // one of few beginnings
	for range 1 + r.IntN(20) {
		prompt = append(prompt, int32(r.IntN(3)))
	}
	req := &Request{Prompt: prompt, MaxTokens: 1 + r.IntN(60), Sampling: sample.Greedy(), Priority: r.IntN(2), User: string(rune('a' + r.IntN(3))), KeepPrefill: r.IntN(2) == 0}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := e.Submit(ctx, req)
	if err != nil {
		t.Error(err)
		return
	}
	stop := -1
	if r.IntN(4) == 0 {
		stop = r.IntN(20)
	}
	var got []int32
	for {
		if len(got) == stop {
			cancel()
		}
		tok, err := s.Next(context.Background())
		if err != nil {
			break
		}
		got = append(got, tok.ID)
	}
	res := s.Result()
	if res.Reason != Length && (res.Reason != Canceled || stop < 0) {
		t.Errorf("result %+v", res)
	}
	if want := m.Continue(prompt, len(got)); !slices.Equal(want, got) {
		t.Errorf("prompt %v: tokens %v, want %v", prompt, got, want)
	}
}
