package tokenizer

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
)

// goldenCases is the cases.json of one vocabulary.
type goldenCases struct {
	Pre       string  `json:"pre"`
	Model     string  `json:"model"`
	VocabSize int     `json:"vocab_size"`
	BOS       *int32  `json:"bos"`
	EOS       *int32  `json:"eos"`
	AddBOS    *bool   `json:"add_bos"`
	LlamaEOG  []int32 `json:"llama_eog"`
	LlamaFIM  []int32 `json:"llama_fim"`
	Encode    []struct {
		Group, Text string
		IDs         []int32
		Plain, User *[]int32
	} `json:"encode"`
	Spans []struct {
		Spans []Span
		IDs   []int32
	} `json:"encode_spans"`
	Invalid []struct {
		Bytes, Text string
		IDs         []int32
	} `json:"encode_invalid_utf8"`
	Decode []struct {
		Group    string
		IDs      []int32
		Text     string
		TextSkip *string `json:"text_skip"`
		Bytes    *string
		Pieces   []string
		// HFDiffers: the publisher's decoder breaks the text, and so the case has
		// nothing to say of text_skip.
		HFDiffers bool `json:"hf_differs"`
	} `json:"decode"`
}

// vocabularies are the folders of the golden tree.
func vocabularies(t testing.TB) []string {
	t.Helper()
	dir := golden.Dir(t, "tokenizers")
	found, err := filepath.Glob(filepath.Join(dir, "*", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		found[i] = filepath.Dir(f)
	}
	return found
}

func openVocabulary(t testing.TB, dir string) *Tokenizer {
	t.Helper()
	f, err := gguf.OpenBytes(filepath.Base(dir), gunzip(t, filepath.Join(dir, "vocab.gguf.gz")))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return tok
}

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
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
	return data
}

func TestGolden(t *testing.T) {
	total := 0
	for _, dir := range vocabularies(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			var c goldenCases
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			tok := openVocabulary(t, dir)
			checkHead(t, tok, &c)
			ran := checkEncode(t, tok, &c) + checkDecode(t, tok, &c)
			t.Logf("%d cases: %d encode, %d spans, %d invalid UTF-8, %d decode",
				ran, len(c.Encode), len(c.Spans), len(c.Invalid), len(c.Decode))
			total += ran
		})
	}
	golden.Report(t, "tokenizers", total)
}

func checkHead(t *testing.T, tok *Tokenizer, c *goldenCases) {
	t.Helper()
	deref := func(p *int32) int32 {
		if p == nil {
			return noID
		}
		return *p
	}
	bos, _ := tok.BOS()
	eos, _ := tok.EOS()
	if bos != deref(c.BOS) || eos != deref(c.EOS) || tok.Size() != c.VocabSize || tok.Model() != c.Model || tok.Pre() != c.Pre {
		t.Errorf("head: bos %d eos %d size %d model %q pre %q; want %+v", bos, eos, tok.Size(), tok.Model(), tok.Pre(), c)
	}
	if c.AddBOS != nil && tok.AddBOS() != *c.AddBOS {
		t.Errorf("AddBOS = %v", tok.AddBOS())
	}
	// llama.cpp ends on the ordinary token </s> of Qwen vocabularies, and does not
	// end on <|EOT|>.
	var want []int32
	for _, id := range c.LlamaEOG {
		if tok.Kind(id) != Normal {
			want = append(want, id)
		}
	}
	if eot, ok := tok.Lookup("<|EOT|>"); ok && tok.Kind(eot) == Control {
		want = append(want, eot)
	}
	slices.Sort(want)
	if d := cmp.Diff(slices.Compact(want), tok.EOG()); d != "" {
		t.Errorf("EOG (-want +got):\n%s", d)
	}
	pre, suf, mid, _ := tok.FIM()
	if d := cmp.Diff(c.LlamaFIM, []int32{pre, suf, mid}); d != "" {
		t.Errorf("FIM (-want +got):\n%s", d)
	}
}

// checkEncode runs the cases that begin with text.
func checkEncode(t *testing.T, tok *Tokenizer, c *goldenCases) (ran int) {
	t.Helper()
	same := func(what, text string, want, got []int32) {
		t.Helper()
		if !slices.Equal(want, got) {
			t.Errorf("%s %q:\n got %v\nwant %v", what, text, got, want)
		}
	}
	none := newMatcher(nil, nil)
	defined := tok.matcherOf(func(k Kind, _ string) bool { return k == UserDefined })
	for _, e := range c.Encode {
		same(e.Group, e.Text, e.IDs, tok.Encode(nil, Span{e.Text, true}))
		plain := e.IDs
		if e.Plain != nil {
			plain = *e.Plain
		}
		same(e.Group+" plain", e.Text, plain, tok.encodeWith(none, e.Text))
		user := plain
		if e.User != nil {
			user = *e.User
		}
		same(e.Group+" user", e.Text, user, tok.encodeWith(defined, e.Text))
		ran++
	}
	for _, s := range c.Spans {
		same("spans", "", s.IDs, tok.Encode(nil, s.Spans...))
		ran++
	}
	for _, e := range c.Invalid {
		raw, err := hex.DecodeString(e.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := Valid(string(raw)); got != e.Text {
			t.Errorf("Valid(%s) = %q, want %q", e.Bytes, got, e.Text)
		}
		same("invalid", e.Bytes, e.IDs, tok.Encode(nil, Span{Text: string(raw)}))
		ran++
	}
	return ran
}

// encodeWith encodes one text with another choice of special tokens.
func (t *Tokenizer) encodeWith(m *matcher, text string) []int32 {
	e := &encoder{t: t}
	return e.flush(e.add(nil, text, m))
}

// checkDecode runs the cases that begin with ids.
func checkDecode(t *testing.T, tok *Tokenizer, c *goldenCases) (ran int) {
	t.Helper()
	for _, d := range c.Decode {
		if got := tok.Decode(d.IDs, true); got != d.Text {
			t.Errorf("%s %v:\n got %q\nwant %q", d.Group, d.IDs, got, d.Text)
		}
		skip := d.Text
		if d.TextSkip != nil {
			skip = *d.TextSkip
		}
		if got := tok.Decode(d.IDs, false); got != skip && (d.TextSkip != nil || !d.HFDiffers) {
			t.Errorf("%s skip %v:\n got %q\nwant %q", d.Group, d.IDs, got, skip)
		}
		if d.Bytes != nil {
			var raw []byte
			for _, id := range d.IDs {
				raw = append(raw, tok.Bytes(id)...)
			}
			if got := hex.EncodeToString(raw); got != *d.Bytes {
				t.Errorf("%s bytes %v: %s, want %s", d.Group, d.IDs, got, *d.Bytes)
			}
		}
		if d.Pieces != nil {
			pieces := streamed(tok, d.IDs)
			if diff := cmp.Diff(d.Pieces, pieces); diff != "" {
				t.Errorf("%s pieces %v (-want +got):\n%s", d.Group, d.IDs, diff)
			}
			if got := strings.Join(pieces, ""); got != d.Text {
				t.Errorf("%s stream %v: %q, want %q", d.Group, d.IDs, got, d.Text)
			}
		}
		ran++
	}
	return ran
}

// streamed returns what a stream puts out after each id and at its end.
func streamed(tok *Tokenizer, ids []int32) []string {
	s := tok.NewStream(true)
	var out []string
	for _, id := range ids {
		out = append(out, s.Push(id))
	}
	return append(out, s.Flush())
}
