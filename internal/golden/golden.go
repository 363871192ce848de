// Package golden finds the golden cases that tests compare against: the folder
// that HOLDFAST_GOLDENS names, or the compact copy in test/vectors/goldens. It
// is imported by tests only.
package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Kinds are the folders of a golden tree.
var Kinds = []string{"models", "tokenizers", "prompts"}

// Dir returns the folder that holds the cases of one kind. A tree that holds no
// kind at all fails the test, so that a mistyped path cannot pass; a tree
// without this kind skips it.
func Dir(t testing.TB, kind string) string {
	t.Helper()
	root := Root(t)
	found := false
	for _, k := range Kinds {
		if isDir(filepath.Join(root, k)) {
			found = true
		}
	}
	if !found {
		t.Fatalf("golden: %s holds none of %v", root, Kinds)
	}
	dir := filepath.Join(root, kind)
	if !isDir(dir) {
		t.Skipf("golden: %s holds no %s", root, kind)
	}
	return dir
}

// Root returns the folder of the golden tree in use. A relative
// HOLDFAST_GOLDENS counts from the module's root, where the test command is
// given, not from the package that is being tested.
func Root(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HOLDFAST_GOLDENS")
	if dir == "" {
		dir = filepath.Join("test", "vectors", "goldens")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(ModuleRoot(t), dir)
	}
	return dir
}

// Compact reports whether the project's own small copy is in use, so that a
// test may tell a case that was left out there from one that is missing.
func Compact() bool { return os.Getenv("HOLDFAST_GOLDENS") == "" }

// Report logs how many cases of a kind ran and which were skipped, and fails
// if none ran.
func Report(t testing.TB, kind string, ran int, skipped ...string) {
	t.Helper()
	t.Logf("golden %s: %d cases ran, %d skipped %v (from %s)", kind, ran, len(skipped), skipped, Root(t))
	if ran == 0 {
		t.Errorf("golden %s: no case ran", kind)
	}
}

// ModuleRoot returns the folder with the project's go.mod: tests run in their
// package's folder, somewhere below it.
func ModuleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(b, []byte("module github.com/holdfast-llm/holdfast\n")) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("golden: no go.mod of the project above the working directory")
		}
		dir = up
	}
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
