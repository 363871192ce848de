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
	logprobs := scoreWindows(t, openStarter(t), string(text), v.Perplexity.Context, v.Perplexity.Scored)
	if len(logprobs) != v.Perplexity.Scored {
		t.Fatalf("scored %d tokens, llama.cpp %d", len(logprobs), v.Perplexity.Scored)
	}
	var sum float64
	for _, p := range logprobs {
		sum -= p
	}
	ppl := math.Exp(sum / float64(len(logprobs)))
	t.Logf("perplexity %.4f; llama.cpp on the file %.4f, on float32 weights %.4f", ppl, v.Perplexity.File, v.Perplexity.Float32Weights)
	if want := v.Perplexity.File; math.Abs(ppl/want-1) > 0.005 {
		t.Errorf("perplexity %.4f is not within 0.5%% of llama.cpp's %.4f", ppl, want)
	}
	if want := v.Perplexity.Float32Weights; math.Abs(ppl/want-1) > 0.003 {
		t.Errorf("perplexity %.4f is not within 0.3%% of the %.4f without rounded activations", ppl, want)
	}
}

// TestStarterRounding bounds what the default path's rounding does to single
// tokens, which the perplexity of a text shows only by chance: with 8-bit
// activations everywhere their log-likelihoods differ from the exact path's by 0.08
// (root of the mean square), with fine products by 0.06.
func TestStarterRounding(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the 98 MB starter and scores 1,536 tokens twice")
	}
	v, dir := readVectors(t)
	text, err := os.ReadFile(filepath.Join(dir, v.Perplexity.Text))
	if err != nil {
		t.Fatal(err)
	}
	const tokens = 3 * 255
	fast := scoreWindows(t, openStarter(t), string(text), v.Perplexity.Context, tokens)
	exact := scoreWindows(t, openStarter(t, holdfast.WithExact(), holdfast.WithKVType("f32")), string(text), v.Perplexity.Context, tokens)
	var square float64
	for i, p := range fast {
		square += (p - exact[i]) * (p - exact[i])
	}
	rms := math.Sqrt(square / tokens)
	t.Logf("log-likelihoods differ by %.4f rms", rms)
	if !(rms < 0.065) {
		t.Errorf("log-likelihoods differ from the exact path's by %.4f rms, expected less than 0.065", rms)
	}
}

// scoreWindows returns the log-likelihoods of the second halves of a text's
// windows, at most limit.
func scoreWindows(t *testing.T, m *holdfast.Model, text string, window, limit int) (all []float64) {
	t.Helper()
	for w := range slices.Chunk(m.Tokenize(text, false), window) {
		if len(w) < window || len(all) >= limit {
			break
		}
		logprobs, err := m.Score(context.Background(), w, window/2+1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, logprobs...)
	}
	return all
}
