package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func envOf(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

// write puts a configuration file where load looks for it.
func write(t *testing.T, text string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "holdfast", "config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func TestEnvironmentBeatsFile(t *testing.T) {
	dir, path := write(t, "threads = 4\nkv_type = \"q8_0\"\ntemperature = 0.5\nstop = [\"a\", \"b\"]\n")
	c, err := load(envOf(map[string]string{"HOLDFAST_THREADS": "2", "TERM": "xterm", "NO_COLOR": "1"}), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]Value{
		"threads":     {{"2", "HOLDFAST_THREADS"}},
		"kv_type":     {{"q8_0", path}},
		"temperature": {{"0.5", path}},
		"stop":        {{"a", path}, {"b", path}},
	}
	if diff := cmp.Diff(want, c.values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if !c.Found || c.Path != path || !c.Terminal.NoColor || c.Terminal.Dumb() {
		t.Errorf("got found=%v path=%q terminal=%+v", c.Found, c.Path, c.Terminal)
	}
}

func TestWithoutFile(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		c, err := load(envOf(nil), dir)
		if err != nil || c.Found || len(c.Keys()) != 0 {
			t.Errorf("load in %q = %+v, %v; want nothing found", dir, c, err)
		}
	}
	if _, err := load(envOf(map[string]string{PathVariable: "/nowhere/x.toml"}), ""); err == nil {
		t.Error("a chosen file that is missing was no error")
	}
	var none *Config
	if none.Text("threads", "7") != "7" {
		t.Error("a nil Config has no defaults")
	}
}

func TestBadFiles(t *testing.T) {
	for text, want := range map[string]string{
		"thread = 3":                   `no setting "thread"; did you mean "threads"?`,
		"colour_of_the_sky = 1":        "`holdfast config` lists them",
		"threads = [1, 2]":             "threads: a list of 2 values",
		"threads = ":                   "line 1",
		"[context]\nx = 1":             "context: the value is a map",
		"threads = 1\nthreads = 2\n":   "line 2",
		"system = 2020-01-01T00:00:00": "expected a text",
	} {
		dir, path := write(t, text)
		_, err := load(envOf(nil), dir)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("file %q: error %v, want one with %q and the path", text, err, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"starter", "strater", 2}, {"kitten", "sitting", 3}, {"é", "e", 1}} {
		if got := Distance(c.a, c.b); got != c.want || Distance(c.b, c.a) != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestDirs(t *testing.T) {
	env := func(pairs map[string]string) func(string) (string, bool) {
		return func(k string) (string, bool) { v, ok := pairs[k]; return v, ok }
	}
	d := dirs(env(map[string]string{HomeVariable: "/data/hf", "XDG_DATA_HOME": "/x"}), "/home/a", "/home/a/.cache")
	if d.Models() != filepath.Join("/data/hf", "models") || d.Database() != filepath.Join("/data/hf", "holdfast.db") || d.Prompts() != filepath.Join("/data/hf", "cache", "prompts") {
		t.Errorf("%+v", d)
	}
	if d := dirs(env(map[string]string{"XDG_DATA_HOME": "/x"}), "/home/a", "/home/a/.cache"); d.Home != filepath.Join("/x", "holdfast") || d.Cache != filepath.Join("/home/a/.cache", "holdfast") {
		t.Errorf("%+v", d)
	}
	if d := dirs(env(nil), "", ""); d.Models() != "" || d.Database() != "" || d.Prompts() != "" {
		t.Errorf("without a home: %+v", d)
	}
}
