package store

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// admit asks the gate and checks which limit answers; "" is none.
func admit(t *testing.T, g *Gate, k *Key, want string, retry time.Duration) (release func()) {
	t.Helper()
	release, err := g.Admit(t.Context(), k, "alias", "model")
	var le *LimitError
	var be *BalanceError
	var me *ModelError
	got := ""
	switch {
	case errors.As(err, &le):
		got = le.What
		if le.Retry < retry || le.Retry > retry+time.Second {
			t.Errorf("%s: try again in %s, want %s", got, le.Retry, retry)
		}
	case errors.As(err, &be):
		got = "balance"
	case errors.As(err, &me):
		got = "model"
	case err != nil:
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("refused by %q, want %q", got, want)
	}
	if release == nil {
		return func() {}
	}
	return release
}

func TestRequestsPerMinute(t *testing.T) {
	s, c := fresh(t)
	k, _ := add(t, s, "ann", Limits{RequestsPerMinute: 2})
	g := s.NewGate()
	admit(t, g, &k, "", 0)()
	admit(t, g, &k, "", 0)()
	admit(t, g, &k, "requests per minute", 30*time.Second)
	c.advance(30 * time.Second)
	admit(t, g, &k, "", 0)()
	admit(t, g, &k, "requests per minute", 30*time.Second)
	c.advance(time.Hour) // fills to a minute's worth, not more
	admit(t, g, &k, "", 0)()
	admit(t, g, &k, "", 0)()
	admit(t, g, &k, "requests per minute", 30*time.Second)
}

func TestTokensPerMinute(t *testing.T) {
	s, c := fresh(t)
	k, _ := add(t, s, "ann", Limits{TokensPerMinute: 60})
	g := s.NewGate()
	admit(t, g, &k, "", 0)()
	g.Used(k.ID, "model", Usage{Prompt: 1000, Cached: 1000, Completion: 59}) // cached ones are free
	admit(t, g, &k, "", 0)()
	g.Used(k.ID, "model", Usage{Prompt: 61})
	admit(t, g, &k, "tokens per minute", 61*time.Second) // a debt of 60
	c.advance(62 * time.Second)
	admit(t, g, &k, "", 0)()
}

func TestTokensPerDayAndMonth(t *testing.T) {
	s, c := fresh(t)
	k, _ := add(t, s, "ann", Limits{TokensPerDay: 10, TokensPerMonth: 25})
	g := s.NewGate()
	admit(t, g, &k, "", 0)()
	g.Used(k.ID, "model", Usage{Completion: 12})
	admit(t, g, &k, "tokens per day", 12*time.Hour)
	admit(t, s.NewGate(), &k, "tokens per day", 12*time.Hour) // as after a restart
	c.advance(12 * time.Hour)
	admit(t, g, &k, "", 0)()
	g.Used(k.ID, "model", Usage{Completion: 13})
	admit(t, g, &k, "tokens per month", 6*24*time.Hour)
	c.advance(6 * 24 * time.Hour)
	admit(t, g, &k, "", 0)()
}

func TestConcurrent(t *testing.T) {
	s, _ := fresh(t)
	k, _ := add(t, s, "ann", Limits{Concurrent: 2})
	other, _ := add(t, s, "bob", Limits{Concurrent: 1})
	g := s.NewGate()
	first := admit(t, g, &k, "", 0)
	admit(t, g, &k, "", 0)
	admit(t, g, &k, "requests at once", time.Second)
	admit(t, g, &other, "", 0)
	first()
	admit(t, g, &k, "", 0)
	admit(t, g, &k, "requests at once", time.Second)
}

func TestBalanceAndModels(t *testing.T) {
	s, _ := fresh(t)
	left := int64(10)
	k, _ := add(t, s, "ann", Limits{Balance: &left, Models: []string{"MODEL"}})
	g := s.NewGate()
	admit(t, g, &k, "", 0)()
	g.Used(k.ID, "model", Usage{Completion: 15})
	admit(t, g, &k, "balance", 0)
	if err := s.rec.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	k, err := s.SetLimits(t.Context(), "ann", func(l *Limits) { *l.Balance += 100 })
	if err != nil || *k.Limits.Balance != 95 {
		t.Fatalf("%v %v", k.Limits.Balance, err)
	}
	admit(t, g, &k, "", 0)()
	k.Limits.Models = []string{"other"}
	admit(t, g, &k, "model", 0)
}

// TestGateConcurrently is for the race detector, and checks that nothing is lost.
func TestGateConcurrently(t *testing.T) {
	s, _ := fresh(t)
	k, _ := add(t, s, "ann", Limits{Concurrent: 1000, TokensPerDay: 1e9, TokensPerMinute: 1e9, RequestsPerMinute: 1e9})
	g := s.NewGate()
	var wg sync.WaitGroup
	const workers, each = 8, 50
	for range workers {
		wg.Go(func() {
			for range each {
				release, err := g.Admit(t.Context(), &k, "m")
				if err != nil {
					t.Error(err)
					return
				}
				g.Used(k.ID, "m", Usage{Prompt: 2, Completion: 1})
				release()
			}
		})
	}
	wg.Wait()
	rows, err := s.Usage(t.Context(), Query{})
	if err != nil || len(rows) != 1 || rows[0].Usage != (Usage{Requests: workers * each, Prompt: 2 * workers * each, Completion: workers * each}) {
		t.Errorf("%+v %v", rows, err)
	}
}

func BenchmarkAdmit(b *testing.B) {
	s, err := Open(b.TempDir() + "/x.db")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	_, secret, err := s.AddKey(b.Context(), "ann", time.Time{}, Limits{Concurrent: 10, TokensPerDay: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	g := s.NewGate()
	for b.Loop() {
		k, err := s.Find(b.Context(), secret)
		if err != nil {
			b.Fatal(err)
		}
		release, err := g.Admit(b.Context(), &k, "m")
		if err != nil {
			b.Fatal(err)
		}
		g.Used(k.ID, "m", Usage{Completion: 1})
		release()
	}
}
