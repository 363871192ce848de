package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

// TestNoUserFillsTheQueue: one user leaves a quarter of the queue to others.
func TestNoUserFillsTheQueue(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = 5 * time.Millisecond
	e := start(t, Config{MaxSeqs: 1, Queue: 8}, m)
	run := submit(t, e, greedy(seq(10, 3), 400))
	if _, err := run.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	by := func(user string) error {
		r := greedy(seq(10, 7), 1)
		r.User = user
		_, err := e.Submit(context.Background(), r)
		return err
	}
	for i := range 6 {
		if err := by("greedy"); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if err := by("greedy"); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a user takes more than a share: %v", err)
	}
	if err := by("modest"); err != nil {
		t.Errorf("another user finds no room: %v", err)
	}
	if err := by(""); err != nil {
		t.Errorf("nobody in particular finds no room: %v", err)
	}
	if err := by(""); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the queue takes more than it holds: %v", err)
	}
	if n := e.Stats().Queued; n != 8 {
		t.Errorf("%d wait, want 8", n)
	}
	run.Cancel()
	settled(t, e)
	if err := by("greedy"); err != nil {
		t.Errorf("after the queue is empty: %v", err)
	}
}

// TestNamespacesTakeTurns: requests without a user have their namespace's turn.
func TestNamespacesTakeTurns(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = time.Millisecond
	e := start(t, Config{MaxSeqs: 1, Queue: 20}, m)
	run := submit(t, e, greedy(seq(10, 3), 20))
	var many []*Stream
	for i := range 6 {
		r := greedy(seq(20+i, 7), 5)
		r.Namespace = "a"
		many = append(many, submit(t, e, r))
	}
	r := greedy(seq(20, 11), 5)
	r.Namespace = "b"
	one := submit(t, e, r)
	read(t, run)
	read(t, one)
	if st := many[3].Status(); st.Ended {
		t.Error("a namespace with one request waited for another's four")
	}
	for _, s := range many {
		read(t, s)
	}
}

// TestPlaceAtOnce: where a request stands, and for how long, is known from the
// moment it is queued.
func TestPlaceAtOnce(t *testing.T) {
	m := enginetest.New(100, 512, 16, false)
	m.Delay = 5 * time.Millisecond
	e := start(t, Config{MaxSeqs: 1}, m)
	read(t, submit(t, e, greedy(seq(10, 3), 10))) // something to guess from
	run := submit(t, e, greedy(seq(10, 5), 60))
	if _, err := run.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s := submit(t, e, greedy(seq(10+i, 7), 1))
		if st := s.Status(); !st.Waiting || st.Ahead != i || st.Wait <= 0 || st.Wait > time.Minute {
			t.Errorf("request %d: %+v", i, st)
		}
	}
	if st := run.Status(); st.Waiting || st.Wait != 0 {
		t.Errorf("a running request: %+v", st)
	}
	run.Cancel()
}
