package engine

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// start returns an engine over m that ends with the test.
func start(t testing.TB, cfg Config, m *enginetest.Model) *Engine {
	t.Helper()
	cfg.Model = m
	if cfg.Usable == 0 {
		cfg.Usable = 1 << 30
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func greedy(prompt []int32, n int) *Request {
	return &Request{Prompt: prompt, MaxTokens: n, Sampling: sample.Greedy()}
}

func seq(n, step int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i*step%97 + 1)
	}
	return p
}

func submit(t testing.TB, e *Engine, r *Request) *Stream {
	t.Helper()
	s, err := e.Submit(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read returns the ids of the whole answer and its result.
func read(t testing.TB, s *Stream) ([]int32, Result) {
	t.Helper()
	var ids []int32
	for {
		tok, err := s.Next(context.Background())
		if err != nil {
			if !errors.Is(err, io.EOF) && s.Result().Err == nil {
				t.Fatal(err)
			}
			return ids, s.Result()
		}
		ids = append(ids, tok.ID)
	}
}
