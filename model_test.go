package holdfast

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := Open("no/such/file.gguf"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := Open("go.mod"); !errors.Is(err, ErrNotGGUF) {
		t.Errorf("error %v", err)
	}
	_, err := Open(tiny, WithContext(1<<30), WithParallel(4096))
	var me *MemoryError
	if !errors.As(err, &me) || !errors.Is(err, ErrMemory) || me.Need <= me.Usable || me.Fits < 1 {
		t.Errorf("error %v", err)
	}
}

func TestUnsupportedArchitectureIsNamed(t *testing.T) {
	data := modeltest.Build(t, modeltest.Spec{Arch: "llama", Keys: map[string]any{"general.architecture": "mamba"}})
	_, err := OpenBytes("x.gguf", data)
	if err == nil || !strings.Contains(err.Error(), "mamba") || !strings.Contains(err.Error(), "llama, qwen2") {
		t.Errorf("error %v", err)
	}
}

func TestOpenBytesAndProgress(t *testing.T) {
	data, err := os.ReadFile(tiny)
	if err != nil {
		t.Fatal(err)
	}
	var last, total int64
	m, err := OpenBytes("tiny.gguf", data, WithThreads(1), WithKVType("q8_0"), WithKeepMapped(), WithProgress(func(d, n int64) { last, total = d, n }))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if last != total {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	mustAnswer(t, session(t, m).Chat(background, "Why?"))
}

func TestInfo(t *testing.T) {
	m := openTiny(t, WithContext(256))
	i := m.Info()
	if i.Architecture != "llama" || i.Layers != 3 || i.Vocabulary != 288 || i.Context != 256 || i.TrainedContext != 8192 ||
		i.Quantization != "Q4_1" || i.Parameters != 147904 || i.ChatFormat != "jinja" || i.KVType != "f16" || i.KVPerToken != 384 {
		t.Errorf("%+v", i)
	}
	var names []string
	for _, p := range i.Memory {
		names = append(names, p.Name)
		if p.Bytes <= 0 {
			t.Errorf("part %+v", p)
		}
	}
	if !slices.Contains(names, "weights") || !slices.Contains(names, "cache") {
		t.Errorf("parts %v", names)
	}
	planned, err := Inspect(tiny, WithContext(256))
	if err != nil {
		t.Fatal(err)
	}
	planned.Memory, i.Memory = nil, nil
	if diff := cmp.Diff(planned, i); diff != "" {
		t.Errorf("Inspect and Info differ: %s", diff)
	}
}

func TestTokens(t *testing.T) {
	m := openTiny(t)
	const text = "Hello, 世界!<|im_end|>"
	plain, special := m.Tokenize(text, false), m.Tokenize(text, true)
	if m.Detokenize(plain) != text || m.Detokenize(special) != text || len(special) >= len(plain) {
		t.Errorf("%v and %v", plain, special)
	}
	if end := special[len(special)-1]; !m.IsEnd(end) || m.Piece(end) != "<|im_end|>" {
		t.Errorf("token %d, %q", end, m.Piece(end))
	}
}

func TestLogitsAndScore(t *testing.T) {
	m := openTiny(t, WithExact(), WithKVType("f32"))
	tokens := m.Tokenize("The sea is salty because rivers carry salt.", false)
	rows, err := m.Logits(background, tokens)
	if err != nil || len(rows) != len(tokens) {
		t.Fatalf("%d rows of %d, %v", len(rows), len(tokens), err)
	}
	got, err := m.Score(background, tokens, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, lp := range got {
		sum := 0.0
		for _, l := range rows[i] {
			sum += math.Exp(float64(l))
		}
		if want := float64(rows[i][tokens[i+1]]) - math.Log(sum); math.Abs(lp-want) > 1e-5 {
			t.Errorf("token %d: %v, want %v", i+1, lp, want)
		}
	}
	if tail, err := m.Score(background, tokens, 10); err != nil || !cmp.Equal(tail, got[9:]) {
		t.Errorf("scores from 10 on differ: %v", err)
	}
	for _, from := range []int{0, len(tokens)} {
		if _, err := m.Score(background, tokens, from); err == nil {
			t.Errorf("from %d: no error", from)
		}
	}
	if _, err := m.Score(background, []int32{1, 2, 9999}, 1); err == nil {
		t.Error("a token beyond the vocabulary: no error")
	}
}

// TestGoldenThroughTheLibrary checks logits and greedy continuations of golden
// models through everything that the library puts around them.
func TestGoldenThroughTheLibrary(t *testing.T) {
	dir := golden.Dir(t, "models")
	ran := 0
	for _, name := range []string{"llama-tied", "qwen3", "qwen3moe"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		ran++
		c := modeltest.LoadCase(t, path)
		m, err := Open(filepath.Join(path, "model.gguf"), WithExact(), WithKVType("f32"), WithContext(1024))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		// These models also choose tokens that end an answer: go on behind them.
		for done := 0; done < len(c.Greedy.Tokens); done++ {
			prompt, want := slices.Concat(c.Greedy.Prompt, c.Greedy.Tokens[:done]), c.Greedy.Tokens[done:]
			if i := slices.IndexFunc(want, m.IsEnd); i >= 0 {
				want = want[:i]
			}
			if got := greedyIDs(t, m, prompt, len(want)+1); !slices.Equal(want, got[:min(len(want), len(got))]) {
				t.Errorf("%s: after %v: %v, want %v", name, prompt, got, want)
			}
			done += len(want)
		}
	}
	golden.Report(t, "models", ran)
}

// greedyIDs returns the next tokens, n at most.
func greedyIDs(t *testing.T, m *Model, prompt []int32, n int) []int32 {
	t.Helper()
	var ids []int32
	for ev, err := range session(t, m, WithMaxTokens(n), WithLogprobs(0)).CompleteTokens(background, prompt) {
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ev.Logprobs {
			ids = append(ids, l.ID)
		}
	}
	return ids
}
