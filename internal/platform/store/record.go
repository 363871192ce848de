package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"sync"
	"time"
)

// flushEvery is how long usage may be in memory only.
const flushEvery = time.Second

// maxPending bounds the cells that wait while the disk cannot be written.
const maxPending = 100_000

// A cell is one row of usage that will be added to.
type cell struct {
	day   string
	key   int64
	model string
}

// A recorder gathers usage and writes it once a second.
type recorder struct {
	s *Store

	mu     sync.Mutex
	cells  map[cell]Usage
	used   map[int64]time.Time // last use of keys
	failed error               // of the last flush

	flushMu sync.Mutex // one flush at a time
	wake    chan struct{}
	quit    chan struct{}
	done    chan struct{}
}

func newRecorder(s *Store) *recorder {
	r := &recorder{
		s: s, cells: map[cell]Usage{}, used: map[int64]time.Time{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go r.run()
	return r
}

// Record adds to what a key used of a model. It only takes a lock for an
// addition; the disk gets it within a second, and at Close.
func (s *Store) Record(key int64, model string, u Usage) {
	r, now := s.rec, s.now()
	c := cell{Day(now), key, model}
	r.mu.Lock()
	sum, known := r.cells[c]
	if known || len(r.cells) < maxPending {
		sum.Add(u)
		r.cells[c] = sum
		r.used[key] = now
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // it knows
	}
}

// Problem returns why usage could not be written last time, or nil.
func (s *Store) Problem() error {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	return s.rec.failed
}

// run sleeps until something is recorded, then writes a second later.
func (r *recorder) run() {
	defer close(r.done)
	for {
		select {
		case <-r.quit:
			return
		case <-r.wake:
		}
		select {
		case <-r.quit:
			return
		case <-time.After(flushEvery):
		}
		if r.flush(context.Background()) != nil {
			select { // what could not be written is tried again
			case r.wake <- struct{}{}:
			default:
			}
		}
	}
}

// flush writes what was recorded. What cannot be written stays.
func (r *recorder) flush(ctx context.Context) error {
	r.flushMu.Lock()
	defer r.flushMu.Unlock()
	r.mu.Lock()
	cells, used := r.cells, r.used
	r.cells, r.used = map[cell]Usage{}, map[int64]time.Time{}
	r.mu.Unlock()
	if len(cells) == 0 {
		return nil
	}
	err := r.s.in(ctx, func(tx *sql.Tx) error { return write(ctx, tx, cells, used) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
	if err == nil {
		return nil
	}
	for c, u := range r.cells { // younger than cells
		sum := cells[c]
		sum.Add(u)
		cells[c] = sum
	}
	maps.Copy(used, r.used)
	r.cells, r.used = cells, used
	return err
}

func write(ctx context.Context, tx *sql.Tx, cells map[cell]Usage, used map[int64]time.Time) error {
	for c, u := range cells {
		if _, err := tx.ExecContext(ctx, `INSERT INTO usage (day, key, model, requests, prompt, cached, completion, reasoning) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, prompt = prompt + excluded.prompt, cached = cached + excluded.cached,
			completion = completion + excluded.completion, reasoning = reasoning + excluded.reasoning`,
			c.day, c.key, c.model, u.Requests, u.Prompt, u.Cached, u.Completion, u.Reasoning); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE keys SET balance = balance - ? WHERE id = ? AND balance IS NOT NULL", u.Computed(), c.key); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	for key, t := range used {
		if _, err := tx.ExecContext(ctx, "UPDATE keys SET last_used = ? WHERE id = ?", t.Unix(), key); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// pending returns the tokens of a key that are recorded for a day and later ones,
// but not written.
func (r *recorder) pending(key int64, from string) (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, u := range r.cells {
		if c.key == key && c.day >= from {
			n += u.Computed()
		}
	}
	return n
}

// close writes what is left and ends the goroutine.
func (r *recorder) close() error {
	select {
	case <-r.quit:
		return nil
	default:
	}
	close(r.quit)
	<-r.done
	return r.flush(context.Background())
}
