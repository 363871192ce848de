package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// soakRequests is how many requests a soak sends: few, or HOLDFAST_SOAK.
func soakRequests(t *testing.T) int {
	s := os.Getenv("HOLDFAST_SOAK")
	if s == "" {
		return 400
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("HOLDFAST_SOAK is %q, expected a number of requests", s)
	}
	return n
}

// TestSoak sends requests of all kinds from many goroutines: they share
// beginnings, are cancelled at random, panic now and then, are kept on disk, and
// do not all fit into the cache. Every token must be the model's own, and nothing
// may be left over: no block, no goroutine, no memory.
//
// HOLDFAST_SOAK=10000 go test -race -run TestSoak ./internal/engine/engine is the
// long one.
func TestSoak(t *testing.T) {
	for _, state := range []bool{false, true} {
		goroutines := runtime.NumGoroutine()
		m := enginetest.New(100, 128, 4, state)
		e := start(t, Config{Parallel: 2, MaxSeqs: 6, MaxRows: 40, Disk: smallStore(t)}, m)
		n := soakRequests(t)
		soak(t, e, m, n/10) // until everything has its size
		before := heap()
		soak(t, e, m, n)
		grown := heap() - before
		st := e.Stats()
		t.Logf("state %v: %d requests, %d canceled, %d failed, %d steps, %d preemptions, %d forked, %d kept prefills, %d positions from disk; the heap grew by %d KiB; cache %+v",
			state, st.Finished, st.Canceled, st.Failed, st.Steps, st.Preemptions, st.Forked, st.KeptPrefills, st.DiskTokens, grown>>10, st.Cache)
		if st.Restarts > 0 {
			t.Errorf("the bookkeeping panicked %d times", st.Restarts)
		}
		if limit := int64(2 << 20); grown > limit {
			t.Errorf("the heap grew by %d bytes over %d requests, at most %d are expected", grown, n, limit)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if n := len(e.loop.live); n > 0 {
			t.Errorf("%d sequences are remembered", n)
		}
		_ = e.Disk().Close()
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
			}
		}
	}
}

// smallStore has to evict: the memory for its index does not grow without end.
func smallStore(t *testing.T) *diskcache.Store {
	t.Helper()
	s, err := diskcache.Open(diskcache.Config{Dir: t.TempDir(), MaxBytes: 400 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// soak sends n requests and waits until the engine is empty.
func soak(t *testing.T, e *Engine, m *enginetest.Model, n int) {
	const clients = 8
	var wg sync.WaitGroup
	for g := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), uint64(n)))
			for range max(1, n/clients) {
				switch r.IntN(12) {
				case 0:
					soakFork(t, e, m, r)
				case 1:
					soakReads(t, e, m, r)
				case 2:
					soakPanic(t, e, r)
				case 3:
					e.DropCache(soakNamespace(r))
				default:
					soakOne(t, e, m, r)
				}
			}
		})
	}
	wg.Wait()
	settled(t, e)
}

func soakNamespace(r *rand.Rand) string { return []string{"", "n"}[r.IntN(2)] }

// soakRequest makes a request with one of few beginnings.
func soakRequest(r *rand.Rand) *Request {
	prompt := seq(r.IntN(40), 3)
	for range 1 + r.IntN(20) {
		prompt = append(prompt, int32(r.IntN(3)))
	}
	return &Request{
		Prompt: prompt, MaxTokens: 1 + r.IntN(60), Sampling: sample.Greedy(), Priority: r.IntN(2),
		User: string(rune('a' + r.IntN(3))), Namespace: soakNamespace(r), KeepPrefill: r.IntN(2) == 0,
	}
}

// soakRead reads an answer, and goes away in the middle of some.
func soakRead(t *testing.T, s *Stream, m *enginetest.Model, r *rand.Rand, cancel func()) {
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
	if prompt := s.seq.req.Prompt; !slices.Equal(m.Continue(prompt, len(got)), got) {
		t.Errorf("prompt %v: tokens %v, want %v", prompt, got, m.Continue(prompt, len(got)))
	}
}

func soakOne(t *testing.T, e *Engine, m *enginetest.Model, r *rand.Rand) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := e.Submit(ctx, soakRequest(r))
	if err != nil {
		t.Error(err)
		return
	}
	if r.IntN(10) == 0 {
		cancel() // before it runs
		s.Wait(context.Background())
		return
	}
	soakRead(t, s, m, r, cancel)
}

// soakReads asks for final states.
func soakReads(t *testing.T, e *Engine, m *enginetest.Model, r *rand.Rand) {
	req := soakRequest(r)
	var got [][]float32
	req.ScoreFrom = r.IntN(len(req.Prompt))
	req.Hidden = func(_ int, state []float32) { got = append(got, slices.Clone(state)) }
	s, err := e.Submit(context.Background(), req)
	if err != nil {
		t.Error(err)
		return
	}
	if res, _ := s.Wait(context.Background()); res.Reason != Scored || len(got) != len(req.Prompt)-req.ScoreFrom {
		t.Errorf("%d states, %+v", len(got), res)
		return
	}
	for i, state := range got {
		if want := m.State(req.Prompt[:req.ScoreFrom+i+1]); !slices.Equal(want, state) {
			t.Errorf("state %v, want %v", state, want)
		}
	}
}

// soakPanic brings a mask that panics.
func soakPanic(t *testing.T, e *Engine, r *rand.Rand) {
	req := soakRequest(r)
	req.Mask, req.MaxTokens = &bomb{}, 5
	s, err := e.Submit(context.Background(), req)
	if err != nil {
		t.Error(err)
		return
	}
	if res, _ := s.Wait(context.Background()); res.Reason != Failed || errors.Is(res.Err, ErrClosed) {
		t.Errorf("result %+v", res)
	}
}
