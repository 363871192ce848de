package snippets

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// address is what the documents show.
const address = "http://127.0.0.1:11435"

// A snippet is one block of code.
type snippet struct {
	name string // its document, language and number
	lang string
	code string
}

var block = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// extract returns the blocks of all documents in a folder, in their order.
func extract(dir string) ([]snippet, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return nil, err
	}
	var out []snippet
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		n := map[string]int{}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			n[m[1]]++
			name := fmt.Sprintf("%s/%s%d", strings.TrimSuffix(filepath.Base(f), ".md"), m[1], n[m[1]])
			out = append(out, snippet{name: name, lang: m[1], code: m[2]})
		}
	}
	return out, nil
}

// at returns the code with the address of another server.
func (s *snippet) at(url string) string { return strings.ReplaceAll(s.code, address, url) }

// standard are the packages that Go snippets may use without an import.
var standard = map[string]string{"fmt": "fmt", "log": "log", "url": "net/url", "http": "net/http", "os": "os"}

// program makes a program of a Go snippet.
func program(code string) string {
	imports := []string{`"context"`}
	var body []string
	for line := range strings.Lines(code) {
		if path, ok := strings.CutPrefix(line, "import "); ok {
			imports = append(imports, strings.TrimSpace(path))
			continue
		}
		body = append(body, line)
	}
	main := strings.Join(body, "")
	for name, path := range standard {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(main) {
			imports = append(imports, `"`+path+`"`)
		}
	}
	return "package main\n\nimport (\n" + strings.Join(imports, "\n") + "\n)\n\nfunc main() {\nctx := context.Background()\n_ = ctx\n" + main + "}\n"
}
