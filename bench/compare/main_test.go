package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes a program that prints text.
func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncat <<'E'\n"+text+"\nE\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompare(t *testing.T) {
	ours := script(t, "holdfast", `{"results":[{"test":"prompt","median":300},{"test":"decode","median":40}]}`)
	f := func(peer ...string) {
		t.Helper()
		var out strings.Builder
		if err := run(append([]string{"-holdfast", ours, "-rounds", "3", "m.gguf", "--"}, peer...), &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"prompt: holdfast 300.0, peer 100.0", "ratio 3.00 (3.00 to 3.00 over 3 turns)", "decode: holdfast 40.0, peer 20.0"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	}
	f(script(t, "peer", `{"promptRates":[100],"generateRates":[20]}`))
	f(script(t, "llama-bench", `[{"n_prompt":512,"n_gen":0,"avg_ts":100},{"n_prompt":0,"n_gen":32,"avg_ts":20}]`))
}

func TestCompareRefuses(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if err := run(args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	f("want compare", "m.gguf")
	f("want compare", "m.gguf", "peer", "--")
	f("holdfast", "-holdfast", filepath.Join(t.TempDir(), "none"), "m.gguf", "--", "peer")
	f("no promptRates", "-holdfast", script(t, "h", `{"results":[]}`), "m.gguf", "--", script(t, "p", `{}`))
}
