package app

import (
	"errors"
	"os"
	"testing"
)

func TestIsModel(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"plain", "mine.gguf"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("models", 0o700); err != nil {
		t.Fatal(err)
	}
	a := &App{}
	for _, c := range []struct {
		arg   string
		model bool
		fails bool
	}{
		{"starter", true, false},
		{"plain", true, false},         // exists
		{"models", true, false},        // exists, and is told to be a folder
		{"missing.gguf", true, false},  // looks like a file
		{"MISSING.GGUF", true, false},  //
		{"my model.gguf", true, false}, // even with a space
		{"./missing", true, false},
		{"../missing one", true, false},
		{"some/model", true, false},
		{`C:\models\x`, true, false},
		{"mine", false, true},     // mine.gguf exists
		{"strater", false, true},  // nearly starter
		{"startre", false, true},  //
		{"qwen3:8b", false, true}, // a name of some library
		{"Hello", false, false},
		{"start", false, true}, // two letters from starter: better asked back
		{"hi", false, false},
		{"Why is the sea salty?", false, false},
		{"What is TCP/IP?", false, false},
		{"note: be brief", false, false},
		{"Is 3/4 more than 2/3?", false, false},
		{"", false, false},
		{"line one\nline/two", false, false},
	} {
		model, err := a.IsModel(c.arg)
		if model != c.model || (err != nil) != c.fails {
			t.Errorf("IsModel(%q) = %v, %v; want %v, error %v", c.arg, model, err, c.model, c.fails)
		}
	}
}

func TestFindSuggests(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"deepseek-r1-7b-q4_k_m.gguf", "other.gguf", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"DeepSeek-R1-7B-Q4_K_S.gguf": "did you mean deepseek-r1-7b-q4_k_m.gguf?",
		"zzz.gguf":                   "GGUF files in .: big-00001-of-00002.gguf, other.gguf, deepseek-r1-7b-q4_k_m.gguf",
		"a/b/c.gguf":                 "the folder a/b does not exist either; . does",
	} {
		err := find(path)
		var m *ModelError
		if !errors.As(err, &m) || (m.Hint != want && path != "zzz.gguf") {
			t.Errorf("find(%q) = %v, hint %q; want %q", path, err, Hint(err), want)
		}
	}
}

func TestTrim(t *testing.T) {
	if got := Text(errors.New("holdfast: model: tokenizer: the cat: sat")); got != "the cat: sat" {
		t.Errorf("Text = %q", got)
	}
}
