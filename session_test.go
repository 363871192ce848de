package holdfast

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChatKeepsHistory(t *testing.T) {
	s := session(t, openTiny(t), WithSystem("Be brief."))
	first, done := mustAnswer(t, s.Chat(background, "Why is the sea salty?"))
	if done.Reason != FinishLength || done.Usage.CompletionTokens != 12 || done.Usage.CachedTokens != 0 {
		t.Errorf("%+v", done)
	}
	second, again := mustAnswer(t, s.Chat(background, "And lakes?"))
	want := []Message{
		{Role: User, Content: "Why is the sea salty?"},
		{Role: Assistant, Content: first},
		{Role: User, Content: "And lakes?"},
		{Role: Assistant, Content: second},
	}
	if diff := cmp.Diff(want, s.History()); diff != "" {
		t.Error(diff)
	}
	if again.Usage.CachedTokens < done.Usage.PromptTokens {
		t.Errorf("the second turn computed its history again: %+v after %+v", again.Usage, done.Usage)
	}
	used, err := s.ContextUsed()
	if err != nil || used <= again.Usage.PromptTokens {
		t.Errorf("%d tokens in use, %v", used, err)
	}
}

func TestRegenerateReplacesTheAnswer(t *testing.T) {
	s := session(t, openTiny(t))
	if _, _, err := answer(s.Regenerate(background)); !errors.Is(err, ErrNothingToRegenerate) {
		t.Errorf("error %v", err)
	}
	first, _ := mustAnswer(t, s.Chat(background, "Why?"))
	second, done := mustAnswer(t, s.Regenerate(background))
	if first != second || len(s.History()) != 2 {
		t.Errorf("%q, then %q with a history of %d turns", first, second, len(s.History()))
	}
	if u := done.Usage; u.CachedTokens != u.PromptTokens-1 {
		t.Errorf("all but the last token should be cached: %+v", u)
	}
}

func TestSaveAndLoad(t *testing.T) {
	m := openTiny(t)
	a, b := session(t, m, WithSystem("Be brief.")), session(t, m)
	mustAnswer(t, a.Chat(background, "Why <b>&?"))
	var file bytes.Buffer
	if err := a.Save(&file); err != nil {
		t.Fatal(err)
	}
	if err := b.Load(&file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.History(), b.History()); diff != "" || b.System() != "Be brief." {
		t.Errorf("system %q; %s", b.System(), diff)
	}
	one, _ := mustAnswer(t, a.Chat(background, "More"))
	two, _ := mustAnswer(t, b.Chat(background, "More"))
	if one != two {
		t.Errorf("%q from the original, %q from the copy", one, two)
	}
	for _, bad := range []string{"", "{", `{"holdfast_session":9,"messages":[]}`, `{"holdfast_session":1,"messages":[{"role":"pope"}]}`} {
		if err := b.Load(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestSetHistory(t *testing.T) {
	s := session(t, openTiny(t))
	err := s.SetHistory([]Message{{Role: System, Content: "S"}, {Role: User, Content: "Q"}})
	if err != nil || s.System() != "S" || len(s.History()) != 1 {
		t.Errorf("system %q, history %v, %v", s.System(), s.History(), err)
	}
	mustAnswer(t, s.Send(background)) // answers what is there
	if n := len(s.History()); n != 2 {
		t.Errorf("%d turns", n)
	}
	if err := s.Clear(); err != nil || len(s.History()) != 0 || s.System() != "S" {
		t.Error("Clear keeps turns, or loses the system prompt")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	s := session(t, openTiny(t))
	err := s.Configure(WithSystem("changed"), WithTemperature(-1))
	if err == nil || !strings.Contains(err.Error(), "holdfast: temperature is -1, but must be from 0 to 100") {
		t.Errorf("error %v", err)
	}
	if s.System() != "" {
		t.Error("one bad option, and others were changed")
	}
	for _, o := range []Option{WithThreads(-1), WithContext(-5), WithKVType("q3"), WithParallel(-1)} {
		if _, err := Open(tiny, o); err == nil || !strings.HasPrefix(err.Error(), "holdfast: ") {
			t.Errorf("error %v", err)
		}
	}
}

func TestSeedGivesTheSameTextAgain(t *testing.T) {
	m := openTiny(t)
	hot := DefaultSampling()
	hot.Temperature, hot.Seed = 1.5, 42
	a, _ := mustAnswer(t, session(t, m, WithSampling(hot)).Chat(background, "Why?"))
	b, done := mustAnswer(t, session(t, m, WithSampling(hot)).Chat(background, "Why?"))
	if a != b || done.Seed != 42 {
		t.Errorf("%q and %q, seed %d", a, b, done.Seed)
	}
	hot.Seed = RandomSeed
	c, first := mustAnswer(t, session(t, m, WithSampling(hot)).Chat(background, "Why?"))
	hot.Seed = first.Seed
	if d, _ := mustAnswer(t, session(t, m, WithSampling(hot)).Chat(background, "Why?")); c != d {
		t.Errorf("%q, but %q with the seed that was reported", c, d)
	}
}

// TestTwoSessionsAtOnce: sessions in many goroutines give what each gives
// alone, with the fast kernels as well as on the exact path.
func TestTwoSessionsAtOnce(t *testing.T) {
	f := func(opts ...Option) {
		t.Helper()
		questions := []string{"Why is the sea salty?", "What is kelp?", "Who is there?", "What is kelp?"}
		alone := make([]string, len(questions))
		for i, q := range questions {
			alone[i], _ = mustAnswer(t, session(t, openTiny(t, opts...), WithMaxTokens(40)).Chat(background, q))
		}
		m := openTiny(t, append(opts, WithParallel(2))...)
		var wg sync.WaitGroup
		for i, q := range questions {
			wg.Go(func() {
				if got, _ := mustAnswer(t, session(t, m, WithMaxTokens(40)).Chat(background, q)); got != alone[i] {
					t.Errorf("%q: %q together with others, %q alone", q, got, alone[i])
				}
			})
		}
		wg.Wait()
	}
	f()
	f(WithExact())
	f(WithKVType("q8_0"), WithThreads(1))
}

func TestCancelKeepsWhatWasSaid(t *testing.T) {
	// The shape makes the answer long: the tiny model's own may end before the reader has asked to cancel.
	endless := json.RawMessage(`{"type": "array", "items": {"type": "integer"}, "minItems": 5000}`)
	s := session(t, openTiny(t), WithMaxTokens(0), WithJSONSchema(endless))
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	n := 0
	var last error
	var done *Done
	for ev, err := range s.Chat(ctx, "Talk.") {
		if ev.Text != "" {
			if n++; n == 3 {
				cancel()
			}
		}
		last, done = err, ev.Done
	}
	if !errors.Is(last, context.Canceled) || done == nil || done.Reason != FinishCanceled {
		t.Errorf("ended with %v, %+v", last, done)
	}
	if h := s.History(); len(h) != 2 || h[1].Content == "" {
		t.Errorf("history %v", h)
	}
	// A question that never reached the model leaves nothing.
	if _, _, err := answer(s.Chat(ctx, "More.")); !errors.Is(err, context.Canceled) || len(s.History()) != 2 {
		t.Errorf("error %v, %d turns", err, len(s.History()))
	}
}

func TestBreakingOutStops(t *testing.T) {
	m := openTiny(t)
	s := session(t, m, WithMaxTokens(0))
	for ev := range s.Chat(background, "Talk.") {
		if ev.Text != "" {
			break
		}
	}
	if h := s.History(); len(h) != 2 {
		t.Errorf("history %v", h)
	}
	deadline := time.Now().Add(5 * time.Second)
	for m.Stats().Running > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the answer goes on after its reader left")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestBusySession(t *testing.T) {
	s := session(t, openTiny(t))
	for range s.Chat(background, "Talk.") {
		if _, _, err := answer(s.Chat(background, "Me too.")); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
		if err := s.SetHistory(nil); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
	}
}

func TestCloseWhileGenerating(t *testing.T) {
	m := openTiny(t)
	var wg sync.WaitGroup
	for range 3 {
		s := session(t, m, WithMaxTokens(0))
		wg.Go(func() {
			if _, _, err := answer(s.Chat(background, "Talk.")); err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("error %v", err)
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	for range 2 {
		wg.Go(func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := m.NewSession(); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestContextExceeded(t *testing.T) {
	s := session(t, openTiny(t, WithContext(64)))
	_, _, err := answer(s.Chat(background, strings.Repeat("word ", 100)))
	var ce *ContextError
	if !errors.As(err, &ce) || !errors.Is(err, ErrContextExceeded) || ce.Context != 64 || ce.PromptTokens < 100 {
		t.Errorf("error %v", err)
	}
	if len(s.History()) != 0 {
		t.Error("a refused question is in the history")
	}
}

func TestPrefixIsContinued(t *testing.T) {
	s := session(t, openTiny(t))
	err := s.SetHistory([]Message{{Role: User, Content: "Q"}, {Role: Assistant, Content: "It is ", Prefix: true}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := mustAnswer(t, s.Send(background))
	if h := s.History(); len(h) != 2 || h[1].Content != "It is "+text || h[1].Prefix {
		t.Errorf("history %+v", h)
	}
}
