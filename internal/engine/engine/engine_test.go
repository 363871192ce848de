package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

func TestGreedyFollowsTheModel(t *testing.T) {
	for _, state := range []bool{false, true} {
		m := enginetest.New(100, 256, 8, state)
		e := start(t, Config{}, m)
		for _, n := range []int{1, 7, 8, 9, 40, 200} {
			prompt := seq(n, 7)
			got, res := read(t, submit(t, e, greedy(prompt, 20)))
			if diff := cmp.Diff(m.Continue(prompt, 20), got); diff != "" {
				t.Errorf("state %v, prompt of %d: (-want +got)\n%s", state, n, diff)
			}
			if res.Reason != Length || res.PromptTokens != n || res.Tokens != 20 {
				t.Errorf("result %+v", res)
			}
		}
	}
}

func TestSecondTurnUsesTheCache(t *testing.T) {
	for _, state := range []bool{false, true} {
		m := enginetest.New(100, 512, 8, state)
		e := start(t, Config{}, m)
		prompt := seq(50, 3)
		answer, _ := read(t, submit(t, e, greedy(prompt, 13)))
		next := append(append(append([]int32{}, prompt...), answer...), 5, 6, 7)
		before := m.Rows.Load()
		got, res := read(t, submit(t, e, greedy(next, 5)))
		if diff := cmp.Diff(m.Continue(next, 5), got); diff != "" {
			t.Error(diff)
		}
		// The last token of the answer was sampled but never computed.
		if want := len(prompt) + len(answer) - 1; res.CachedTokens != want {
			t.Errorf("state %v: %d tokens cached, want %d", state, res.CachedTokens, want)
		}
		if rows := m.Rows.Load() - before; rows != 4+4 {
			t.Errorf("state %v: %d rows computed, want 4 of the prompt and 4 of the answer", state, rows)
		}
	}
}

func TestWholePromptCachedComputesItsLastToken(t *testing.T) {
	m := enginetest.New(100, 512, 8, false)
	e := start(t, Config{}, m)
	prompt := seq(64, 3)
	first, _ := read(t, submit(t, e, greedy(prompt, 9)))
	second, res := read(t, submit(t, e, greedy(prompt, 9)))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if res.CachedTokens != 63 {
		t.Errorf("%d tokens cached, want all but the last of 64", res.CachedTokens)
	}
}

func TestNamespacesShareNothing(t *testing.T) {
	m := enginetest.New(100, 512, 8, false)
	e := start(t, Config{}, m)
	a, b := greedy(seq(64, 3), 2), greedy(seq(64, 3), 2)
	a.Namespace, b.Namespace = "alice", "bob"
	read(t, submit(t, e, a))
	if _, res := read(t, submit(t, e, b)); res.CachedTokens != 0 {
		t.Errorf("%d tokens of another namespace used", res.CachedTokens)
	}
	if _, res := read(t, submit(t, e, a)); res.CachedTokens != 63 {
		t.Errorf("%d tokens of the own namespace used, want 63", res.CachedTokens)
	}
	if n := e.DropCache("alice"); n != 9 { // 64 positions of the prompt, and one of the answer
		t.Errorf("%d blocks dropped, want 9", n)
	}
	if _, res := read(t, submit(t, e, a)); res.CachedTokens != 0 {
		t.Errorf("%d tokens used after the cache was dropped", res.CachedTokens)
	}
}

func TestStopToken(t *testing.T) {
	m := enginetest.New(100, 512, 8, false)
	m.EOS, m.Each = 2, 20
	e := start(t, Config{}, m)
	r := greedy(seq(13, 3), 0)
	r.Stop = []int32{2}
	got, res := read(t, submit(t, e, r))
	if len(got) != 7 || res.Reason != Stop || res.StopToken != 2 {
		t.Errorf("%d tokens, %+v", len(got), res)
	}
}

func TestContextIsNeverCutSilently(t *testing.T) {
	m := enginetest.New(100, 64, 8, false)
	e := start(t, Config{}, m)
	_, err := e.Submit(context.Background(), greedy(seq(64, 3), 5))
	var ce *ContextError
	if !errors.As(err, &ce) || !errors.Is(err, ErrContextExceeded) || ce.PromptTokens != 64 || ce.Context != 64 {
		t.Errorf("error %v", err)
	}
	got, res := read(t, submit(t, e, greedy(seq(60, 3), 0)))
	if len(got) != 4 || res.Reason != Length {
		t.Errorf("%d tokens until the end of the context, %v", len(got), res.Reason)
	}
}

func TestBadRequests(t *testing.T) {
	e := start(t, Config{}, enginetest.New(100, 64, 8, false))
	bad := greedy(seq(3, 1), 1)
	bad.Sampling.TopP = 2
	for name, r := range map[string]*Request{
		"empty": greedy(nil, 1), "negative id": greedy([]int32{-1}, 1), "large id": greedy([]int32{100}, 1),
		"options": bad, "score": {Prompt: seq(3, 1), Score: func(int, []float32) {}, ScoreFrom: 3},
	} {
		if _, err := e.Submit(context.Background(), r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCancelWithinOneStep(t *testing.T) {
	m := enginetest.New(100, 4096, 8, false)
	m.Delay = 2 * time.Millisecond
	e := start(t, Config{}, m)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := e.Submit(ctx, greedy(seq(5, 3), 0))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := s.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	before := m.Forwards.Load()
	cancel()
	res, _ := s.Wait(context.Background())
	if res.Reason != Canceled || !errors.Is(res.Err, context.Canceled) {
		t.Errorf("result %+v", res)
	}
	if n := m.Forwards.Load() - before; n > 2 {
		t.Errorf("%d steps ran after cancelling", n)
	}
}

func TestOverload(t *testing.T) {
	m := enginetest.New(100, 64, 8, false)
	m.Delay = 20 * time.Millisecond
	e := start(t, Config{MaxSeqs: 1, Queue: 2}, m)
	running := submit(t, e, greedy(seq(3, 1), 10))
	if _, err := running.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		submit(t, e, greedy(seq(3, 1), 1))
	}
	if _, err := e.Submit(context.Background(), greedy(seq(3, 1), 1)); !errors.Is(err, ErrOverloaded) {
		t.Errorf("error %v, want ErrOverloaded", err)
	}
}

func TestConcurrentSequencesShareBatches(t *testing.T) {
	m := enginetest.New(100, 512, 8, false)
	m.Delay = time.Millisecond
	e := start(t, Config{Parallel: 4}, m)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			prompt := seq(20+i, i+2)
			got, _ := read(t, submit(t, e, greedy(prompt, 30)))
			if diff := cmp.Diff(m.Continue(prompt, 30), got); diff != "" {
				t.Error(diff)
			}
		})
	}
	wg.Wait()
	if n := m.MaxSeqs.Load(); n < 2 {
		t.Errorf("at most %d sequence per batch", n)
	}
}

func TestSamePromptAtOnceIsReadOnce(t *testing.T) {
	m := enginetest.New(100, 1024, 8, false)
	m.Delay = time.Millisecond
	e := start(t, Config{Parallel: 4}, m)
	prompt := seq(512, 5)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { read(t, submit(t, e, greedy(prompt, 3))) })
	}
	wg.Wait()
	if rows := m.Rows.Load(); rows > 512+4*16 {
		t.Errorf("%d rows computed for 4 equal prompts of 512", rows)
	}
}

func TestCloseWhileGenerating(t *testing.T) {
	m := enginetest.New(100, 4096, 8, false)
	m.Delay = time.Millisecond
	e := start(t, Config{Parallel: 2}, m)
	var wg sync.WaitGroup
	for i := range 4 {
		s := submit(t, e, greedy(seq(9+i, 3), 0))
		wg.Go(func() {
			for {
				if _, err := s.Next(context.Background()); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("stream ended with %v, want ErrClosed", err)
					}
					return
				}
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	for range 2 {
		wg.Go(func() { e.Close() })
	}
	wg.Wait()
	if _, err := e.Submit(context.Background(), greedy(seq(3, 1), 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v after Close", err)
	}
}

func TestForwardErrorEndsTheSequence(t *testing.T) {
	m := enginetest.New(100, 64, 8, false)
	e := start(t, Config{}, m)
	m.Fail.Store(true)
	if _, res := read(t, submit(t, e, greedy(seq(3, 1), 5))); res.Reason != Failed || res.Err == nil {
		t.Errorf("result %+v", res)
	}
	m.Fail.Store(false)
	if got, _ := read(t, submit(t, e, greedy(seq(3, 1), 5))); len(got) != 5 {
		t.Errorf("%d tokens after an error", len(got))
	}
}

func TestPanicEndsItsBatchOnly(t *testing.T) {
	e := start(t, Config{}, enginetest.New(100, 64, 8, false))
	r := &Request{Prompt: seq(5, 1), Score: func(int, []float32) { panic("oops") }}
	if _, res := read(t, submit(t, e, r)); res.Reason != Failed || !strings.Contains(res.Err.Error(), "oops") {
		t.Errorf("result %+v", res)
	}
	if got, _ := read(t, submit(t, e, greedy(seq(3, 1), 5))); len(got) != 5 {
		t.Errorf("%d tokens after a panic", len(got))
	}
}

func TestMemoryErrorHasTheNumbers(t *testing.T) {
	m := enginetest.New(100, 1<<20, 8, false)
	_, err := New(Config{Model: m, Usable: 1000})
	var me *MemoryError
	if !errors.As(err, &me) || !errors.Is(err, ErrMemory) || me.Fits() != 125 {
		t.Errorf("error %v", err)
	}
}

func TestScoreGivesEveryPosition(t *testing.T) {
	m := enginetest.New(100, 512, 8, false)
	e := start(t, Config{MaxOutputs: 16}, m)
	prompt := seq(100, 3)
	read(t, submit(t, e, greedy(prompt, 3))) // cached, which must not matter
	var at []int
	r := &Request{Prompt: prompt, ScoreFrom: 10, Score: func(pos int, logits []float32) {
		at = append(at, pos)
		if want := m.Next(prompt[:pos+1]); logits[want] != 0 {
			t.Errorf("logits of position %d are another's", pos)
		}
	}}
	_, res := read(t, submit(t, e, r))
	if res.Reason != Scored || len(at) != 90 || at[0] != 10 || at[89] != 99 {
		t.Errorf("%v, positions %v", res.Reason, at)
	}
}

func TestLogprobs(t *testing.T) {
	m := enginetest.New(100, 64, 8, false)
	e := start(t, Config{}, m)
	r := greedy(seq(3, 1), 4)
	r.Logprobs = 4
	s := submit(t, e, r)
	for range 4 {
		tok, err := s.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(tok.Top) != 3 || tok.Top[0].ID != tok.ID || tok.Top[0].Logprob != tok.Logprob || tok.Logprob > -0.45 || tok.Logprob < -0.46 {
			t.Errorf("token %+v", tok)
		}
	}
}

// evenMask allows even ids only.
type evenMask struct{ accepted int }

func (*evenMask) Allows(id int32) bool { return id%2 == 0 }
func (*evenMask) Apply(l []float32) {
	for i := 1; i < len(l); i += 2 {
		l[i] = float32(negInf)
	}
}
func (m *evenMask) Accept(int32) { m.accepted++ }

func TestMask(t *testing.T) {
	e := start(t, Config{}, enginetest.New(100, 64, 8, false))
	mask := &evenMask{}
	r := greedy(seq(3, 1), 20)
	r.Mask = mask
	got, _ := read(t, submit(t, e, r))
	for _, id := range got {
		if id%2 != 0 {
			t.Errorf("token %d is forbidden", id)
		}
	}
	if mask.accepted != 20 {
		t.Errorf("%d tokens accepted, want 20", mask.accepted)
	}
}
