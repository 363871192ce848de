package gguf

import (
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// TestGoldenModels opens every golden model by every one of its files and reads
// every tensor both ways.
func TestGoldenModels(t *testing.T) {
	ran := 0
	walk(t, golden.Dir(t, "models"), ".gguf", func(path string) {
		f, err := Open(path)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		defer f.Close()
		ran++
		if f.Arch() == "" || f.NumTensors() == 0 {
			t.Errorf("%s: architecture %q, %d tensors", path, f.Arch(), f.NumTensors())
		}
		readAll(t, f)
	})
	golden.Report(t, "gguf models", ran)
}

// readAll decodes all metadata and compares the two ways to a tensor's bytes.
func readAll(t *testing.T, f *File) {
	t.Helper()
	for _, key := range f.Keys() {
		if _, ok := f.Value(key); !ok {
			t.Errorf("key %q: not found", key)
		}
	}
	for _, x := range f.Tensors() {
		y, ok := f.Tensor(x.Name)
		if !ok {
			t.Errorf("tensor %q: not found by name", x.Name)
			continue
		}
		data, err := f.Data(y)
		if err != nil {
			t.Error(err)
			continue
		}
		p := make([]byte, y.Size)
		if _, err := f.ReadAt(y, p, 0); err != nil || string(p) != string(data) {
			t.Errorf("tensor %q: Data and ReadAt differ, error %v", x.Name, err)
		}
	}
}

func TestGoldenVocabularies(t *testing.T) {
	ran := 0
	walk(t, golden.Dir(t, "tokenizers"), "vocab.gguf.gz", func(path string) {
		f, err := OpenBytes(path, gunzip(t, path))
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		ran++
		tokens, ok, err := f.Strings("tokenizer.ggml.tokens")
		if err != nil || !ok || len(tokens) < 1000 {
			t.Errorf("%s: %d tokens, %v, %v", path, len(tokens), ok, err)
		}
		types, ok, err := f.Ints("tokenizer.ggml.token_type")
		if err != nil || ok && len(types) != len(tokens) {
			t.Errorf("%s: %d token types, %v", path, len(types), err)
		}
	})
	golden.Report(t, "gguf vocabularies", ran)
}

func walk(t *testing.T, dir, suffix string, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			visit(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
