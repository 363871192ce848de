package servertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

var update = flag.Bool("update", false, "write the golden files")

// Readable makes the answer's JSON, or the JSON of each event, easy to review.
func Readable(body string) string {
	var out strings.Builder
	sc := bufio.NewScanner(strings.NewReader(body))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := sc.Text()
		var b bytes.Buffer
		if strings.HasPrefix(line, "{") && json.Indent(&b, []byte(line), "", "  ") == nil {
			line = b.String()
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// What differs from run to run and from machine to machine.
var (
	// longNumber finds what comes after a number's fourth decimal: probabilities
	// are summed in another order on each kernel tier.
	longNumber = regexp.MustCompile(`(\d\.\d{4})\d+`)
	// signed finds the signature that llm gives an answer, which is random.
	signed = regexp.MustCompile(`sig_[A-Z2-7]{26}`)
)

// Compare checks an exchange against testdata/name.golden; -update writes it.
func Compare(t *testing.T, name, got string) {
	t.Helper()
	got = signed.ReplaceAllString(longNumber.ReplaceAllString(got, "$1"), "sig_random")
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if d := cmp.Diff(longNumber.ReplaceAllString(string(want), "$1"), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// Post sends a body and returns the answer with its status.
func Post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// curl finds the address and the body of a curl command in a document.
var curl = regexp.MustCompile(`(?s)curl http://127\.0\.0\.1:11435(\S+)[^']*(?:'[^{][^']*'[^']*)*-d '([^']+)'`)

// Docs sends what the curl commands of a document in docs/clients send, of which
// there must be n, to the model "starter" of a server. It returns the document.
func Docs(t *testing.T, name string, n int, m *Model, send func(path, body string) (status int, answer string)) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs", "clients", name))
	if err != nil {
		t.Fatal(err)
	}
	found := curl.FindAllStringSubmatch(string(doc), -1)
	if len(found) != n {
		t.Errorf("%s: %d commands were found, want %d", name, len(found), n)
	}
	for _, c := range found {
		m.Next()
		if status, answer := send(c[1], c[2]); status != http.StatusOK {
			t.Errorf("%s: %s: %d %s", name, c[1], status, answer)
		}
	}
	return string(doc)
}
