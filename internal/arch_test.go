// Package internal_test checks rules that hold for the whole tree: imports
// point down, each third-party library has one home, files stay small.
package internal_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

const module = "github.com/holdfast-llm/holdfast"

// floors lists the packages of the house from the ground up, as prefixes below
// the module path. A package may import packages of its own entry and of the
// entries above it in this list (which are lower floors), never of a later one.
// Within one entry imports are free where the entry names a single folder tree.
var floors = [][]string{
	{"internal/testutil", "internal/golden"},
	{"internal/machine/cpu"},
	{"internal/machine/mem", "internal/machine/par"},
	{"internal/tensor/num"},
	{"internal/tensor/quant"},
	{"internal/tensor/kernel/vec"},
	{"internal/tensor/kernel/matmul", "internal/tensor/kernel/attend"},
	{"internal/tensor/kernel/check"},
	{"internal/format/gguf"},
	{"internal/text/tokenizer", "internal/text/jinja"},
	{"internal/text/chat"},
	{"internal/text/grammar"},
	{"internal/model"},
	{"internal/engine/sample", "internal/engine/kvcache", "internal/engine/diskcache"},
	{"internal/engine/sched"},
	{"internal/engine/engine"},
	{"internal/engine/shape"},
	{"internal/engine/llm"},
	{""}, // the root package: the public API
	{"internal/platform"},
	{"internal/app"},
	{"internal/server"},
	{"internal/cli"},
	{"cmd/holdfast"},
	{"examples", "bench", "test"},
}

// homes says which package alone may import a third-party library.
var homes = map[string]string{
	"github.com/spf13/cobra":     "internal/cli",
	"charm.land":                 "internal/cli/tui",
	"golang.org/x/text":          "internal/text/tokenizer",
	"github.com/spf13/pflag":     "internal/cli",
	"github.com/charmbracelet":   "internal/app",
	"github.com/prometheus":      "internal/platform/obs",
	"github.com/santhosh-tekuri": "-",
	"go.yaml.in/yaml":            "-",
	"github.com/BurntSushi":      "internal/platform/config",
	"github.com/ncruces":         "internal/platform/store",
	module + "/starter":          "cmd/holdfast",
	"golang.org/x/sys/cpu":       "internal/",
	"golang.org/x/sys/unix":      "internal/",
	"github.com/google/go-cmp":   "-", // tests only
	"pgregory.net/rapid":         "-",
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

// list runs go list once for every package of the module.
func list(t *testing.T, root string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if ee, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, ee.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// floorOf returns the index of the longest matching entry, or -1.
func floorOf(pkg string) int {
	rel := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
	best, bestLen := -1, -1
	for i, entry := range floors {
		for _, prefix := range entry {
			if (rel == prefix || prefix != "" && strings.HasPrefix(rel, prefix+"/")) && len(prefix) > bestLen {
				best, bestLen = i, len(prefix)
			}
		}
	}
	return best
}

// forTests reports whether a package only serves tests, as its name says.
func forTests(pkg string) bool { return strings.HasSuffix(pkg, "test") }

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t, golden.ModuleRoot(t)) {
		if p.ImportPath == module+"/internal" {
			continue // this test
		}
		from := floorOf(p.ImportPath)
		if from < 0 {
			t.Errorf("%s is on no floor: add it to floors in internal/arch_test.go", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module) || strings.HasPrefix(imp, module+"/starter") {
				continue
			}
			if to := floorOf(imp); to > from {
				t.Errorf("%s imports %s, which is on a higher floor", p.ImportPath, imp)
			}
			if forTests(p.ImportPath) {
				continue
			}
			if strings.HasSuffix(imp, "internal/golden") || strings.Contains(imp, "internal/testutil") {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imp)
			}
		}
	}
}

func TestLibrariesHaveOneHome(t *testing.T) {
	for _, p := range list(t, golden.ModuleRoot(t)) {
		rel := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imp := range p.Imports {
			for lib, home := range homes {
				if home == "-" && forTests(p.ImportPath) {
					continue
				}
				if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !strings.HasPrefix(rel, home) {
					t.Errorf("%s imports %s, which only %s may", p.ImportPath, imp, home)
				}
			}
		}
	}
}

// TestOnlyConfigReadsTheEnvironment keeps settings a value that is passed down.
func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	eachGoFile(t, func(path, src string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/platform/config") || strings.HasPrefix(path, "internal/golden") || strings.Contains(path, "cputest/") {
			return
		}
		for _, call := range []string{"os.Getenv(", "os.LookupEnv(", "os.Environ("} {
			if strings.Contains(src, call) {
				t.Errorf("%s calls %s...): only internal/platform/config reads the environment", path, call)
			}
		}
	})
}

func TestFilesStaySmall(t *testing.T) {
	const limit = 800
	eachGoFile(t, func(path, src string) {
		if strings.Contains(src, "Code generated") {
			return
		}
		if n := strings.Count(src, "\n"); n > limit {
			t.Errorf("%s has %d lines, more than %d: split it by what its parts are", path, n, limit)
		}
	})
}

func TestGoModHasNoReplace(t *testing.T) {
	f, err := os.Open(filepath.Join(golden.ModuleRoot(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.HasPrefix(strings.TrimSpace(sc.Text()), "replace") {
			t.Errorf("go.mod: %q: go install refuses modules with replace lines", sc.Text())
		}
	}
}

func eachGoFile(t *testing.T, f func(path, src string)) {
	t.Helper()
	root := golden.ModuleRoot(t)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(rel), string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
