package snippets

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// languages is how many snippets of each language there are at least: if the
// documents were moved or the extraction broke, nothing would fail otherwise.
var languages = map[string]int{"python": 4, "ts": 5, "js": 1, "go": 3}

func TestSnippets(t *testing.T) {
	url := need(t, "HOLDFAST_URL")
	all, err := extract(filepath.Join("..", "..", "..", "docs", "clients"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, s := range all {
		if languages[s.lang] == 0 {
			continue
		}
		seen[s.lang]++
		t.Run(s.name, func(t *testing.T) { run(t, s.lang, s.at(url), url) })
	}
	for l, n := range languages {
		if seen[l] < n {
			t.Errorf("docs/clients has %d snippets of %s, want at least %d", seen[l], l, n)
		}
	}
}

// run writes the code to a file and runs it.
func run(t *testing.T, lang, code, url string) {
	t.Helper()
	if !strings.Contains(code, url) {
		t.Fatalf("the snippet does not contain the address %s", address)
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	var cmd *exec.Cmd
	switch lang {
	case "python":
		cmd = exec.CommandContext(ctx, need(t, "HOLDFAST_PYTHON"), write(t, t.TempDir(), "snippet.py", code))
	case "ts", "js":
		// A module's packages are looked for above its own folder.
		dir, err := os.MkdirTemp(need(t, "HOLDFAST_NODE"), "snippet-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		cmd = exec.CommandContext(ctx, "node", write(t, dir, "snippet.mjs", code))
	case "go":
		cmd = exec.CommandContext(ctx, "go", "run", write(t, t.TempDir(), "main.go", program(code)))
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s\n%s", err, &out, &problems, code)
	}
	said := strings.TrimSpace(out.String())
	if len(said) < 10 || said == "undefined" {
		t.Errorf("printed %q, want an answer\n%s", said, &problems)
	}
	t.Logf("%.120q", said)
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func need(t *testing.T, env string) string {
	t.Helper()
	v := os.Getenv(env)
	if v == "" {
		t.Fatalf("%s is not set: run the tests with bash test/conformance/run snippets", env)
	}
	return v
}
