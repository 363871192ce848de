package holdfast

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// TestDiskCacheOfRealModels asks models of every family that has one in the
// vectors, in two lives and once without a disk: the answers are the same.
func TestDiskCacheOfRealModels(t *testing.T) {
	models, err := filepath.Glob("test/vectors/goldens/models/*/model.gguf")
	if err != nil || len(models) == 0 {
		t.Fatalf("no models: %v", err)
	}
	prompt := strings.Repeat("One two three. ", 30)
	ran := 0
	for _, path := range models {
		dir := t.TempDir()
		ask := func(opts ...Option) (string, *Done, bool) {
			m, err := Open(path, append(opts, WithContext(1024))...)
			if err != nil {
				return "", nil, false // of a family that is not there yet
			}
			defer m.Close()
			text, done := mustAnswer(t, session(t, m).Complete(background, prompt))
			return text, done, true
		}
		want, _, ok := ask()
		if !ok {
			continue
		}
		ran++
		cold, first, _ := ask(WithDiskCache(dir, 1<<30))
		warm, second, _ := ask(WithDiskCache(dir, 1<<30))
		if diff := cmp.Diff([]string{want, want}, []string{cold, warm}); diff != "" {
			t.Errorf("%s: (-without disk +with)\n%s", path, diff)
		}
		n := first.Usage.PromptTokens
		if first.Usage.CachedTokens != 0 || second.Usage.CachedTokens < (n-1)/64*64 {
			t.Errorf("%s: %d of %d tokens cached in the second life", path, second.Usage.CachedTokens, n)
		}
	}
	t.Logf("%d models", ran)
	if ran == 0 {
		t.Error("no model ran")
	}
}

func TestIdentitiesDiffer(t *testing.T) {
	seen := map[string]string{}
	data, err := os.ReadFile(tiny)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, data []byte, opts ...Option) {
		t.Helper()
		m, err := OpenBytes("x.gguf", data, opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		c, err := newConfig(opts)
		if err != nil {
			t.Fatal(err)
		}
		id, err := m.identity(c)
		if err != nil {
			t.Fatal(err)
		}
		if seen[id] != "" {
			t.Errorf("%s and %s have one identity", name, seen[id])
		}
		seen[id] = name
	}
	f("plain", data)
	f("q8_0", data, WithKVType("q8_0"))
	f("exact", data, WithExact())
	other := append([]byte(nil), data...)
	other[len(other)-1] ^= 1
	f("another weight", other)
}

func TestDiskCacheRefusesNonsense(t *testing.T) {
	if _, err := Open(tiny, WithDiskCache("", 1)); err == nil {
		t.Error("no folder: no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(tiny, WithDiskCache(file, 1<<20)); err == nil {
		t.Error("a file as the folder: no error")
	}
}

// TestStarterAfterARestart measures how long the first token of a long prompt
// takes, cold and after a restart. It only reports.
func TestStarterAfterARestart(t *testing.T) {
	path := filepath.Join(golden.ModuleRoot(t), "starter", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil || os.Getenv("HOLDFAST_MEASURE") == "" {
		t.Skip("needs the starter model and HOLDFAST_MEASURE=1")
	}
	dir := t.TempDir()
	prompt := strings.Repeat("The sea is salty because rivers bring salt. ", 420)
	first := func() (time.Duration, *Done) {
		m, err := Open(path, WithContext(8000), WithDiskCache(dir, 4<<30))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		begin, at := time.Now(), time.Duration(0)
		s := session(t, m, WithMaxTokens(2))
		_, done := mustAnswer(t, func(yield func(Event, error) bool) {
			for e, err := range s.Complete(background, prompt) {
				if at == 0 {
					at = time.Since(begin)
				}
				if !yield(e, err) {
					return
				}
			}
		})
		return at, done
	}
	cold, a := first()
	warm, b := first()
	t.Logf("%d tokens: cold %v (%v), after a restart %v (%v): %.2f%%; %d cached", a.Usage.PromptTokens, cold, a, warm, b, 100*float64(warm)/float64(cold), b.Usage.CachedTokens)
}
