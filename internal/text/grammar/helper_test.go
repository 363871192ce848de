package grammar

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

var vocabularies sync.Map // folder -> *Vocabulary

// goldenVocabulary returns a real vocabulary.
func goldenVocabulary(t testing.TB, name string) *Vocabulary {
	t.Helper()
	if v, ok := vocabularies.Load(name); ok {
		return v.(*Vocabulary)
	}
	v := NewVocabulary(goldenTokenizer(t, name))
	vocabularies.Store(name, v)
	return v
}

func goldenTokenizer(t testing.TB, name string) *tokenizer.Tokenizer {
	t.Helper()
	path := filepath.Join(golden.Dir(t, "tokenizers"), name, "vocab.gguf.gz")
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no vocabulary %s: %v", name, err)
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

// toyVocabulary has all bytes, the given texts, special tokens and one token
// that ends a generation; ids in this order, the end last.
func toyVocabulary(texts, special []string) *Vocabulary {
	v := &Vocabulary{special: map[string]int32{}, marks: map[int32]string{}}
	for b := range 256 {
		v.text = append(v.text, []byte{byte(b)})
	}
	for _, s := range texts {
		v.text = append(v.text, []byte(s))
	}
	for _, s := range special {
		id := int32(len(v.text))
		v.special[s], v.marks[id] = id, s
		v.text = append(v.text, nil)
	}
	v.eog = []int32{int32(len(v.text))}
	v.text = append(v.text, nil)
	v.size = len(v.text)
	v.index()
	return v
}

var bare = toyVocabulary(nil, nil)

// matches reports whether a grammar matches a text as a whole.
func matches(t testing.TB, g *Grammar, text string) bool {
	t.Helper()
	m, err := NewMatcher(g, bare)
	if err != nil {
		t.Fatal(err)
	}
	return m.AcceptBytes([]byte(text)) == nil && m.Done()
}

// encodeTemplate is the tokens of an answer as a model would write it, with
// special tokens where they are.
func encodeTemplate(tok *tokenizer.Tokenizer, text string) []int32 {
	return tok.Encode(nil, tokenizer.Span{Text: text, Template: true})
}
