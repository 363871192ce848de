package llm

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// fakeModel returns a model over the fake, which has no format.
func fakeModel(t *testing.T, cfg engine.Config) (*Model, *enginetest.Model) {
	t.Helper()
	tok := vocabulary(t)
	m := enginetest.New(tok.Size(), 256, 16, false)
	cfg.Model, cfg.Usable = m, 1<<30
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return New(e, tok, nil), m
}

func ids(n, first int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(first + i%7)
	}
	return out
}

func TestEmbedPooling(t *testing.T) {
	m, fake := fakeModel(t, engine.Config{MaxRows: 16})
	text := ids(60, 3) // read in several chunks
	mean := make([]float64, enginetest.Embd)
	for i := range text {
		for j, v := range fake.State(text[:i+1]) {
			mean[j] += float64(v) / 60
		}
	}
	tests := map[string]struct {
		o    EmbedOptions
		file model.Pooling
		want []float32
	}{
		"last token by default": {EmbedOptions{}, 0, fake.State(text)},
		"as the file says":      {EmbedOptions{}, model.PoolingCLS, fake.State(text[:1])},
		"as the caller says":    {EmbedOptions{Pooling: model.PoolingLast}, model.PoolingCLS, fake.State(text)},
		"mean":                  {EmbedOptions{Pooling: model.PoolingMean}, 0, []float32{float32(mean[0]), float32(mean[1]), float32(mean[2])}},
		"two dimensions":        {EmbedOptions{Dimensions: 2}, 0, fake.State(text)[:2]},
	}
	for name, test := range tests {
		fake.Cfg.Pooling = test.file
		test.o.Raw = true
		got, usage, err := m.Embed(context.Background(), [][]int32{text}, test.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff([][]float32{test.want}, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if usage.PromptTokens != 60 {
			t.Errorf("%s: %d prompt tokens", name, usage.PromptTokens)
		}
	}
	fake.Cfg.Pooling = 0
	one, _, err := m.Embed(context.Background(), [][]int32{text}, EmbedOptions{Dimensions: 2})
	if err != nil {
		t.Fatal(err)
	}
	if l := math.Hypot(float64(one[0][0]), float64(one[0][1])); math.Abs(l-1) > 1e-6 {
		t.Errorf("a vector of length %v, expected 1", l)
	}
}

// TestEmbedMany: more texts than the queue and the window hold come back in
// order, and an answer that is generated meanwhile is not disturbed.
func TestEmbedMany(t *testing.T) {
	m, fake := fakeModel(t, engine.Config{MaxSeqs: 4, Queue: 6, MaxRows: 64})
	var texts [][]int32
	var want [][]float32
	for i := range 100 {
		texts = append(texts, ids(1+i%40, i))
		want = append(want, fake.State(texts[i]))
	}
	a, err := m.CompleteTokens(context.Background(), ids(20, 5), nil, Options{MaxTokens: 50})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := m.Embed(context.Background(), texts, EmbedOptions{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for range a.Events() {
	}
	if d := cmp.Diff(fake.Continue(ids(20, 5), len(a.Tokens())), a.Tokens()); d != "" {
		t.Error(d)
	}
}

func TestEmbedErrors(t *testing.T) {
	m, fake := fakeModel(t, engine.Config{})
	background := context.Background()
	var tooLong *engine.ContextError
	if _, _, err := m.Embed(background, [][]int32{ids(3, 1), ids(300, 1)}, EmbedOptions{}); !errors.As(err, &tooLong) || !strings.Contains(err.Error(), "text 1 of 2") {
		t.Errorf("a long text: %v", err)
	}
	if _, _, err := m.Embed(background, [][]int32{{}}, EmbedOptions{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty text: %v", err)
	}
	for _, o := range []EmbedOptions{{Dimensions: 4}, {Dimensions: -1}, {Pooling: model.PoolingRank}} {
		if _, _, err := m.Embed(background, [][]int32{ids(3, 1)}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	fake.Delay = 20 * time.Millisecond
	ctx, cancel := context.WithTimeout(background, 30*time.Millisecond)
	defer cancel()
	if _, _, err := m.Embed(ctx, [][]int32{ids(200, 1), ids(200, 2), ids(200, 3)}, EmbedOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled call: %v", err)
	}
	if _, _, err := m.Embed(background, nil, EmbedOptions{}); err != nil {
		t.Errorf("no texts: %v", err)
	}
}
