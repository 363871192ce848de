package holdfast

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

func cosine(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// TestEmbedStarter compares with llama.cpp's vectors of the same weights in
// float32: the exact path to rounding, the default path as near as int8
// activations get.
func TestEmbedStarter(t *testing.T) {
	root := golden.ModuleRoot(t)
	path := filepath.Join(root, "starter", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil || testing.Short() {
		t.Skip("needs the starter model, and some seconds")
	}
	data, err := os.ReadFile(filepath.Join(root, "test/vectors/embeddings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Cases []struct {
			Text       string
			IDs        []int32
			Last, Mean []float32
		}
	}
	if err := json.Unmarshal(data, &want); err != nil || len(want.Cases) == 0 {
		t.Fatalf("%d cases, error %v", len(want.Cases), err)
	}
	modes := map[string]struct {
		opts  []Option
		least float64 // cosine
	}{
		"exact":   {[]Option{WithExact(), WithKVType("f32")}, 1 - 1e-6},
		"default": {nil, 0.999},
	}
	for name, mode := range modes {
		m, err := Open(path, append(mode.opts, WithContext(512))...)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for _, pooling := range []Pooling{PoolingLast, PoolingMean} {
			texts := make([]string, len(want.Cases))
			for i, c := range want.Cases {
				texts[i] = c.Text
			}
			got, err := m.Embed(background, texts, EmbedOptions{Pooling: pooling})
			if err != nil {
				t.Fatal(err)
			}
			worst := 1.0
			for i, c := range want.Cases {
				v := c.Last
				if pooling == PoolingMean {
					v = c.Mean
				}
				worst = min(worst, cosine(got.Vectors[i], v))
			}
			t.Logf("%s, %s: 1 - cosine is %.2g at most", name, pooling, 1-worst)
			if !(worst >= mode.least) {
				t.Errorf("%s, %s: cosine %v, expected at least %v", name, pooling, worst, mode.least)
			}
		}
	}
}

func TestEmbed(t *testing.T) {
	m := openTiny(t)
	texts := []string{"abc", "abd", "abc", "xyz xyz"}
	e, err := m.Embed(background, texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Vectors) != 4 || e.Usage.PromptTokens < 4 || e.Usage.CompletionTokens != 0 {
		t.Fatalf("%d vectors, %+v", len(e.Vectors), e.Usage)
	}
	if c := cosine(e.Vectors[0], e.Vectors[2]); c < 1-1e-6 {
		t.Errorf("the same text twice: cosine %v", c)
	}
	if c := cosine(e.Vectors[0], e.Vectors[3]); c > 0.999 {
		t.Errorf("different texts: cosine %v", c)
	}
	if _, err := m.Embed(background, texts, EmbedOptions{Pooling: "max"}); err == nil {
		t.Error("pooling max: no error")
	}
}
