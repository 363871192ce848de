package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
)

func TestForkReadsThePromptOnce(t *testing.T) {
	for _, state := range []bool{false, true} {
		m := enginetest.New(100, 512, 16, state)
		e := start(t, Config{Parallel: 4}, m)
		prompt := seq(200, 3)
		var reqs []*Request
		for i := range 4 {
			r := &Request{Prompt: prompt, MaxTokens: 30, Sampling: sample.Default()}
			r.Sampling.Seed = uint64(5 + i)
			reqs = append(reqs, r)
		}
		streams, err := e.SubmitN(context.Background(), reqs)
		if err != nil {
			t.Fatal(err)
		}
		var all [][]int32
		for i, s := range streams {
			got, res := read(t, s)
			if res.Seed != uint64(5+i) || res.Reason != Length {
				t.Errorf("answer %d: %+v", i, res)
			}
			all = append(all, got)
		}
		if rows := m.Rows.Load(); rows != 200+4*29 || e.Stats().Forked != 3 {
			t.Errorf("state %v: %d rows, %d forked", state, rows, e.Stats().Forked)
		}
		for i, r := range reqs { // the law: the same alone
			alone, _ := read(t, submit(t, e, r))
			if diff := cmp.Diff(alone, all[i]); diff != "" {
				t.Errorf("answer %d: (-alone +forked)\n%s", i, diff)
			}
		}
		if cmp.Equal(all[0], all[1]) {
			t.Error("two seeds gave the same answer")
		}
	}
}

func TestForkWithoutRoomQueues(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	e := start(t, Config{MaxSeqs: 2}, m)
	prompt := seq(100, 3)
	streams, err := e.SubmitN(context.Background(), []*Request{greedy(prompt, 9), greedy(prompt, 9), greedy(prompt, 9), greedy(prompt, 9)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		got, _ := read(t, s)
		if diff := cmp.Diff(m.Continue(prompt, 9), got); diff != "" {
			t.Error(diff)
		}
	}
	other := greedy(seq(99, 3), 1)
	if _, err := e.SubmitN(context.Background(), []*Request{greedy(prompt, 1), other}); err == nil {
		t.Error("two prompts were forked")
	}
}

// slow returns an engine whose steps take a while and read 16 rows.
func slow(t *testing.T, c Config) (*Engine, *enginetest.Model) {
	m := enginetest.New(100, 4096, 16, false)
	m.Delay = 3 * time.Millisecond
	c.MaxRows, c.MaxSeqs = 16, 4
	return start(t, c, m), m
}

// reading starts a request and waits until half of its prompt is read.
func reading(t *testing.T, e *Engine, r *Request) (*Stream, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	s, err := e.Submit(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, st := s.Poll(nil); st.PromptDone > len(r.Prompt)/2 {
			return s, cancel
		}
		<-s.Ready()
	}
}

func TestRetryAttachesToARunningPrompt(t *testing.T) {
	e, m := slow(t, Config{Parallel: 2})
	prompt := seq(407, 3)
	first, _ := reading(t, e, greedy(prompt, 40))
	second := submit(t, e, greedy(prompt, 5))
	got, res := read(t, second)
	if diff := cmp.Diff(m.Continue(prompt, 5), got); diff != "" {
		t.Error(diff)
	}
	if res.CachedTokens != 406 {
		t.Errorf("%d tokens shared with the running prompt, want 406: also those of its last block", res.CachedTokens)
	}
	read(t, first)
}

func TestAPromptIsKeptWhenItsClientGoes(t *testing.T) {
	for _, keep := range []bool{false, true} {
		e, m := slow(t, Config{})
		prompt := seq(407, 3)
		r := greedy(prompt, 40)
		r.KeepPrefill = keep
		s, cancel := reading(t, e, r)
		cancel()
		if res, _ := s.Wait(context.Background()); res.Reason != Canceled || !errors.Is(res.Err, context.Canceled) {
			t.Errorf("%+v", res)
		}
		if keep {
			settled(t, e)
		}
		got, res := read(t, submit(t, e, greedy(prompt, 5)))
		if diff := cmp.Diff(m.Continue(prompt, 5), got); diff != "" {
			t.Error(diff)
		}
		if keep && res.CachedTokens != 406 || res.CachedTokens < 200 {
			t.Errorf("keep %v: %d tokens cached", keep, res.CachedTokens)
		}
		if rows := m.Rows.Load(); rows > 407+16 {
			t.Errorf("keep %v: %d rows computed", keep, rows)
		}
	}
}

// TestARetryLiftsAKeptPrefill sends a retry while others work, which a prefill
// of the lowest priority would wait for.
func TestARetryLiftsAKeptPrefill(t *testing.T) {
	e, m := slow(t, Config{Parallel: 2})
	prompt := seq(407, 3)
	r := greedy(prompt, 4)
	r.KeepPrefill = true
	_, cancel := reading(t, e, r)
	cancel()
	got, res := read(t, submit(t, e, greedy(prompt, 5)))
	if diff := cmp.Diff(m.Continue(prompt, 5), got); diff != "" || res.CachedTokens != 406 {
		t.Errorf("%+v %s", res, diff)
	}
	if e.Stats().KeptPrefills != 1 || m.Rows.Load() > 407+16 {
		t.Errorf("%d rows, %+v", m.Rows.Load(), e.Stats())
	}
}

func TestKeptPrefillsMakeRoom(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = 3 * time.Millisecond
	e := start(t, Config{MaxRows: 16, MaxSeqs: 1}, m)
	r := greedy(seq(500, 3), 4)
	r.KeepPrefill = true
	_, cancel := reading(t, e, r)
	cancel()
	rows := m.Rows.Load()
	read(t, submit(t, e, greedy(seq(40, 7), 2)))
	if got := m.Rows.Load() - rows; got > 150 {
		t.Errorf("a live request waited for %d rows of a dead one", got)
	}
	settled(t, e)
}

func TestPlaceInTheQueue(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = 5 * time.Millisecond
	e := start(t, Config{MaxSeqs: 1, Queue: 3}, m)
	run := submit(t, e, greedy(seq(10, 3), 60))
	if _, err := run.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	var wait []*Stream
	for i := range 3 {
		r := greedy(seq(10+i, 7), 1)
		if i == 2 {
			r.Priority = 1 // overtakes
		}
		wait = append(wait, submit(t, e, r))
	}
	time.Sleep(30 * time.Millisecond)
	var places []int
	for _, s := range wait {
		_, st := s.Poll(nil)
		if !st.Waiting {
			t.Error("it does not wait")
		}
		places = append(places, st.Ahead)
	}
	if diff := cmp.Diff([]int{1, 2, 0}, places); diff != "" {
		t.Error(diff)
	}
	if _, st := run.Poll(nil); st.Waiting {
		t.Error("a running request waits")
	}
	_, err := e.Submit(context.Background(), greedy(seq(9, 3), 1))
	var over *OverloadedError
	if !errors.As(err, &over) || !errors.Is(err, ErrOverloaded) || over.Waiting != 3 || over.RetryAfter < time.Second {
		t.Errorf("error %v", err)
	}
	run.Cancel()
}

// TestStepsAreShortWhileOthersWait: a chunk that one sequence alone may take a
// second for has a quarter of it when there are two.
func TestStepsAreShortWhileOthersWait(t *testing.T) {
	e, m := slow(t, Config{})
	p := newPace(e.cfg.StepTime, e.cfg.SharedStepTime, 4096)
	p.perRow, p.last = time.Millisecond, 4096
	pool, err := kvcache.New(kvcache.Config{Blocks: 8, BlockTokens: m.Spec.BlockTokens})
	if err != nil {
		t.Fatal(err)
	}
	sch, err := sched.New(sched.Config{MaxSeqs: 2, MaxRows: 4096, MaxOutputs: 2}, pool)
	if err != nil {
		t.Fatal(err)
	}
	var rows []int
	for range 2 {
		sch.Add(&sched.Seq{Tokens: seq(50, 3)})
		rows = append(rows, p.prefillRows(sch))
	}
	p.perRow = 100 * time.Millisecond
	rows = append(rows, p.prefillRows(sch))
	if diff := cmp.Diff([]int{1000, 250, minRows}, rows); diff != "" {
		t.Error(diff)
	}
}
