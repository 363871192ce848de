// Package security_test keeps holes that other servers of language models had
// from opening here: one test for each advisory that docs/security.md lists.
package security_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

var (
	advisory = regexp.MustCompile(`(?:CVE|GO)-\d{4}-\d+|TALOS-\d{4}-\d+`)
	testName = regexp.MustCompile("`(Test\\w+)`")
)

// TestEveryAdvisoryHasATest reads the table of docs/security.md: each row names
// advisories and either tests that exist or the reason why it cannot apply.
func TestEveryAdvisoryHasATest(t *testing.T) {
	root := golden.ModuleRoot(t)
	doc, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t, root)
	rows, named := 0, map[string]bool{}
	for line := range strings.SplitSeq(string(doc), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !advisory.MatchString(cells[1]) && !strings.Contains(cells[1], "no advisory") {
			continue
		}
		rows++
		for _, m := range testName.FindAllStringSubmatch(cells[3], -1) {
			if !tests[m[1]] {
				t.Errorf("%s: there is no test %s", strings.TrimSpace(cells[1]), m[1])
			}
			named[m[1]] = true
		}
		if !testName.MatchString(cells[3]) && !strings.Contains(cells[3], "cannot apply") {
			t.Errorf("%s: neither a test nor a reason", strings.TrimSpace(cells[1]))
		}
	}
	if rows < 15 {
		t.Errorf("%d rows with advisories, want at least 15", rows)
	}
	for name := range testsIn(t, filepath.Join(root, "test", "security")) {
		if !named[name] && name != t.Name() {
			t.Errorf("docs/security.md does not name %s", name)
		}
	}
}

// testsOf returns the names of all tests of the module.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, top := range []string{"internal", "test"} {
		for name := range testsIn(t, filepath.Join(root, top)) {
			all[name] = true
		}
	}
	return all
}

func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				found[fn.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
