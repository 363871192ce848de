package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// vocabulary opens a golden vocabulary, nil if this copy of the goldens has it
// not.
func vocabulary(t *testing.T, name string) *tokenizer.Tokenizer {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(golden.Dir(t, "tokenizers"), name, "vocab.gguf.gz"))
	if errors.Is(err, os.ErrNotExist) && golden.Compact() {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.OpenBytes(name, data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGoldenInfill(t *testing.T) {
	var f struct {
		Cases []struct {
			Tokenizer, Prefix, Suffix string
			IDs                       []int32
		}
	}
	data, err := os.ReadFile(filepath.Join(golden.Dir(t, "prompts"), "dialect", "fim.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	vocabs := map[string]*tokenizer.Tokenizer{}
	n := 0
	for i, c := range f.Cases {
		tok, seen := vocabs[c.Tokenizer]
		if !seen {
			tok = vocabulary(t, c.Tokenizer)
			vocabs[c.Tokenizer] = tok
		}
		if tok == nil {
			continue
		}
		n++
		got, err := Infill(tok, c.Tokenizer, c.Prefix, c.Suffix)
		if err != nil {
			t.Errorf("case %d (%s): %v", i, c.Tokenizer, err)
			continue
		}
		if d := cmp.Diff(c.IDs, got); d != "" {
			t.Errorf("case %d (%s): (-want +got)\n%s", i, c.Tokenizer, d)
		}
	}
	golden.Report(t, "fim requests", n)
}

func TestLogprobs(t *testing.T) {
	in := []chat.TokenLogprob{
		{ID: 1, Bytes: []byte("é"), Logprob: -0.5, Top: []chat.TokenLogprob{{Bytes: []byte{0xff}, Logprob: float32(math.Inf(-1))}, {Bytes: []byte{0xfe}, Logprob: -3}}},
		{ID: 2, Bytes: []byte("x"), Logprob: -1},
	}
	got := Logprobs(nil, in)
	if b, err := json.Marshal(got); err != nil || string(b) != `[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"\ufffd","logprob":-9999,"bytes":[255]},{"token":"\ufffd","logprob":-3,"bytes":[254]}]},{"token":"x","logprob":-1,"bytes":[120],"top_logprobs":[]}]` {
		t.Errorf("%s %v", b, err)
	}
	l := TextLogprobs{Offset: 7}
	l.Add(in)
	want := TextLogprobs{
		Tokens: []string{"é", "x"}, TokenLogprobs: []float64{-0.5, -1}, TextOffset: []int{7, 8}, Offset: 9,
		TopLogprobs: []map[string]float64{{"\xff": -9999, "\xfe": -3}, {}},
	}
	if d := cmp.Diff(want, l); d != "" {
		t.Error(d)
	}
}
