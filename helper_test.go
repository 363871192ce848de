package holdfast

import (
	"context"
	"iter"
	"testing"
)

// tiny is a random model of 109 KB: it says nothing sensible, in one step.
const tiny = "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"

func openTiny(t testing.TB, opts ...Option) *Model {
	t.Helper()
	m, err := Open(tiny, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func session(t testing.TB, m *Model, opts ...SessionOption) *Session {
	t.Helper()
	opts = append([]SessionOption{WithTemperature(0), WithMaxTokens(12)}, opts...)
	s, err := m.NewSession(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer joins what a stream yields.
func answer(stream iter.Seq2[Event, error]) (text string, done *Done, err error) {
	for ev, e := range stream {
		text += ev.Text
		if ev.Done != nil {
			done = ev.Done
		}
		if e != nil {
			err = e
		}
	}
	return text, done, err
}

func mustAnswer(t testing.TB, stream iter.Seq2[Event, error]) (string, *Done) {
	t.Helper()
	text, done, err := answer(stream)
	if err != nil || done == nil {
		t.Fatalf("done %v, error %v", done, err)
	}
	return text, done
}

var background = context.Background()
