//go:build !nostarter

package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/starter"
)

// vectors is test/vectors/starter.json: what llama.cpp makes of the starter.
type vectors struct {
	Greedy struct {
		Cases []struct {
			Question  string
			PromptIDs []int32 `json:"prompt_ids"`
			IDs       []int32
			Text      string
		}
	}
	Perplexity struct {
		Text           string
		Context        int
		Scored         int
		File           float64 `json:"llamacpp_file"`
		Float32Weights float64 `json:"llamacpp_float32_weights"`
	}
}

func readVectors(t *testing.T) (v vectors, dir string) {
	t.Helper()
	dir = filepath.Join(golden.ModuleRoot(t), "test", "vectors")
	b, err := os.ReadFile(filepath.Join(dir, "starter.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v, dir
}

func openStarter(t *testing.T, opts ...holdfast.Option) *holdfast.Model {
	t.Helper()
	m, err := holdfast.OpenBytes(starter.File, starter.Data(), append(opts, holdfast.WithContext(1024))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestStarterAnswers asks the golden questions greedily on the exact path: the
// text is llama.cpp's on the same weights in float32.
func TestStarterAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the 98 MB starter")
	}
	v, _ := readVectors(t)
	m := openStarter(t, holdfast.WithExact(), holdfast.WithKVType("f32"))
	for _, c := range v.Greedy.Cases {
		s, err := m.NewSession(holdfast.WithSampling(holdfast.Sampling{}), holdfast.WithMaxTokens(len(c.IDs)))
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for ev, err := range s.Chat(context.Background(), c.Question) {
			if err != nil {
				t.Fatal(err)
			}
			text += ev.Text
		}
		if text != c.Text {
			t.Errorf("%s\n got %q\nwant %q", c.Question, text, c.Text)
		}
	}
}

// TestStarterPerplexity scores the second half of 512-token windows, as
// llama-perplexity does, on the default path with the default cache.
func TestStarterPerplexity(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the 98 MB starter and scores 5,632 tokens")
	}
	v, dir := readVectors(t)
	text, err := os.ReadFile(filepath.Join(dir, v.Perplexity.Text))
	if err != nil {
		t.Fatal(err)
	}
	m := openStarter(t)
	var sum float64
	var scored int
	for window := range slices.Chunk(m.Tokenize(string(text), false), v.Perplexity.Context) {
		if len(window) < v.Perplexity.Context {
			break
		}
		logprobs, err := m.Score(context.Background(), window, v.Perplexity.Context/2+1)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range logprobs {
			sum -= p
		}
		scored += len(logprobs)
	}
	if scored != v.Perplexity.Scored {
		t.Fatalf("scored %d tokens, llama.cpp %d", scored, v.Perplexity.Scored)
	}
	ppl := math.Exp(sum / float64(scored))
	t.Logf("perplexity %.4f; llama.cpp on the file %.4f, on float32 weights %.4f", ppl, v.Perplexity.File, v.Perplexity.Float32Weights)
	for _, want := range []float64{v.Perplexity.File, v.Perplexity.Float32Weights} {
		if math.Abs(ppl/want-1) > 0.005 {
			t.Errorf("perplexity %.4f is not within 0.5%% of llama.cpp's %.4f", ppl, want)
		}
	}
}
