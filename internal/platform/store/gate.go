package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Gate holds keys to their limits. It counts in memory; days and months are
// read from the file, so that limits hold across restarts and processes.
type Gate struct {
	s    *Store
	mu   sync.Mutex
	live map[int64]*live
}

// A live is what a key does now.
type live struct {
	requests, tokens bucket
	running          int64
	day              string
	inDay, inMonth   int64 // tokens computed since then
	read             time.Time
}

// reread is how old the sums of days and months may get: other processes add
// to them too.
const reread = 10 * time.Second

// NewGate returns a gate.
func (s *Store) NewGate() *Gate { return &Gate{s: s, live: map[int64]*live{}} }

// A LimitError says which limit a request would exceed.
type LimitError struct {
	Key   string
	What  string // such as "requests per minute"
	Max   int64
	Retry time.Duration // when it could be admitted
}

// Error names the limit and when to come again.
func (e *LimitError) Error() string {
	return fmt.Sprintf("store: the key %q has a limit of %d %s, which is reached; try again in %s", e.Key, e.Max, e.What, e.Retry.Round(time.Second))
}

// A BalanceError says that a key has used up its tokens.
type BalanceError struct{ Key string }

// Error says so.
func (e *BalanceError) Error() string {
	return fmt.Sprintf("store: the key %q has no tokens left", e.Key)
}

// A ModelError says that a key is not for a model.
type ModelError struct{ Key, Model string }

// Error names the model.
func (e *ModelError) Error() string {
	return fmt.Sprintf("store: the key %q may not use the model %q", e.Key, e.Model)
}

// Admit decides whether a request may be computed; names are those of the
// model. The function that it returns must be called when the request is over,
// once. Errors are a *ModelError, a *BalanceError or a *LimitError.
//
// Tokens are known only when an answer has ended. A request is admitted as long
// as something is left; what it takes beyond that delays those after it.
func (g *Gate) Admit(ctx context.Context, k *Key, names ...string) (release func(), err error) {
	l := &k.Limits
	if !l.May(names...) {
		return nil, &ModelError{k.Name, names[0]}
	}
	if left, bounded := g.s.Left(k); bounded && left <= 0 {
		return nil, &BalanceError{k.Name}
	}
	now := g.s.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.of(k.ID)
	if err := g.refresh(ctx, v, k, now); err != nil {
		return nil, err
	}
	v.requests.fill(l.RequestsPerMinute, now)
	v.tokens.fill(l.TokensPerMinute, now)
	for _, c := range []struct {
		hit   bool
		what  string
		max   int64
		retry time.Duration
	}{
		{l.Concurrent > 0 && v.running >= l.Concurrent, "requests at once", l.Concurrent, time.Second},
		{l.TokensPerMonth > 0 && v.inMonth >= l.TokensPerMonth, "tokens per month", l.TokensPerMonth, untilMonth(now)},
		{l.TokensPerDay > 0 && v.inDay >= l.TokensPerDay, "tokens per day", l.TokensPerDay, untilDay(now)},
		{l.TokensPerMinute > 0 && v.tokens.level <= 0, "tokens per minute", l.TokensPerMinute, v.tokens.until(1, l.TokensPerMinute)},
		{l.RequestsPerMinute > 0 && v.requests.level < 1, "requests per minute", l.RequestsPerMinute, v.requests.until(1, l.RequestsPerMinute)},
	} {
		if c.hit {
			return nil, &LimitError{k.Name, c.what, c.max, max(c.retry, time.Second)}
		}
	}
	if l.RequestsPerMinute > 0 {
		v.requests.level--
	}
	v.running++
	g.s.Record(k.ID, names[len(names)-1], Usage{Requests: 1})
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		v.running--
	}, nil
}

// May reports whether a model that goes by one of these names may be used.
func (l *Limits) May(names ...string) bool {
	return len(l.Models) == 0 || slices.ContainsFunc(names, func(n string) bool {
		return slices.ContainsFunc(l.Models, func(m string) bool { return strings.EqualFold(m, n) })
	})
}

// A Rate is how far a limit by the minute is used; zero is no limit.
type Rate struct {
	Max, Left int64
	Full      time.Duration // until all of it can be used again
}

// Rates returns how far the key's limits by the minute are used.
func (g *Gate) Rates(k *Key) (requests, tokens Rate) {
	now := g.s.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.of(k.ID)
	v.requests.fill(k.Limits.RequestsPerMinute, now)
	v.tokens.fill(k.Limits.TokensPerMinute, now)
	return v.requests.rate(k.Limits.RequestsPerMinute), v.tokens.rate(k.Limits.TokensPerMinute)
}

// Used counts what an answer took.
func (g *Gate) Used(key int64, model string, u Usage) {
	g.s.Record(key, model, u)
	g.mu.Lock()
	defer g.mu.Unlock()
	v, n := g.of(key), u.Computed()
	if !v.tokens.at.IsZero() { // there is a limit
		v.tokens.level -= float64(n)
	}
	v.inDay += n
	v.inMonth += n
}

func (g *Gate) of(key int64) *live {
	v := g.live[key]
	if v == nil {
		v = &live{}
		g.live[key] = v
	}
	return v
}

// refresh reads the sums of the day and the month if they are old, or another
// day has begun. It is only done for keys that have such limits.
func (g *Gate) refresh(ctx context.Context, v *live, k *Key, now time.Time) error {
	if k.Limits.TokensPerDay == 0 && k.Limits.TokensPerMonth == 0 {
		return nil
	}
	day := Day(now)
	if v.day == day && now.Sub(v.read) < reread {
		return nil
	}
	month := day[:len("2006-01")] + "-01"
	var err error
	if v.inDay, err = g.s.usedSince(ctx, k.ID, day); err != nil {
		return err
	}
	if v.inMonth, err = g.s.usedSince(ctx, k.ID, month); err != nil {
		return err
	}
	v.day, v.read = day, now
	return nil
}

// usedSince adds what is written and what is not yet. A flush in between would
// hide tokens from both.
func (s *Store) usedSince(ctx context.Context, key int64, day string) (int64, error) {
	s.rec.flushMu.Lock()
	defer s.rec.flushMu.Unlock()
	n, err := s.computed(ctx, key, day)
	return n + s.rec.pending(key, day), err
}

// Left returns the tokens that a key has left, if they are bounded, as of when
// the key was read, less what was used since and is not written.
func (s *Store) Left(k *Key) (tokens int64, bounded bool) {
	if k.Limits.Balance == nil {
		return 0, false
	}
	return *k.Limits.Balance - s.rec.pending(k.ID, ""), true
}

// A bucket holds what may be used at once: a minute's worth at most. It may be
// overdrawn, and fills at the limit's rate.
type bucket struct {
	level float64
	at    time.Time
}

func (b *bucket) fill(perMinute int64, now time.Time) {
	if perMinute == 0 {
		*b = bucket{}
		return
	}
	full := float64(perMinute)
	if b.at.IsZero() {
		b.level = full
	}
	if d := now.Sub(b.at); d > 0 {
		b.level = min(full, b.level+full*min(d.Minutes(), math.MaxInt32))
	}
	b.at = now
}

// until returns how long the bucket takes to hold n.
func (b *bucket) until(n float64, perMinute int64) time.Duration {
	return time.Duration((n - b.level) / float64(perMinute) * float64(time.Minute))
}

// rate describes a bucket that was filled just now.
func (b *bucket) rate(perMinute int64) Rate {
	if perMinute == 0 {
		return Rate{}
	}
	return Rate{Max: perMinute, Left: max(0, int64(b.level)), Full: max(0, b.until(float64(perMinute), perMinute))}
}

func untilDay(now time.Time) time.Duration {
	y, m, d := now.UTC().Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC).Sub(now)
}

func untilMonth(now time.Time) time.Duration {
	y, m, _ := now.UTC().Date()
	return time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Sub(now)
}
