package deepseek

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

var update = flag.Bool("update", false, "write the golden files")

// A site is a server with one API on fake models.
type site struct {
	*httptest.Server
	models *library.Manager
}

// serve starts a site whose clock stands still and whose ids count.
func serve(t *testing.T, models map[string]*servertest.Model, o Options, lo library.Options) *site {
	t.Helper()
	m := servertest.Manager(t, golden.ModuleRoot(t), models, lo)
	var n atomic.Int64
	o.Now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	o.NewID = func() string { return fmt.Sprintf("id%d", n.Add(1)) }
	o.NewCallID = func(i int) string { return fmt.Sprintf("call_%02d_id%d", i, n.Add(1)) }
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"}, New(m, o))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &site{h, m}
}

// one starts a site with the model "fake".
func one(t *testing.T, m *servertest.Model) *site {
	t.Helper()
	return serve(t, map[string]*servertest.Model{"fake": m}, Options{}, library.Options{})
}

// post sends a body and returns the answer with its status.
func (s *site) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(s.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// readable makes the answer's JSON, or the JSON of each event, easy to review.
func readable(body string) string {
	var out strings.Builder
	sc := bufio.NewScanner(strings.NewReader(body))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := sc.Text()
		if !strings.HasPrefix(line, "{") {
			out.WriteString(line + "\n")
			continue
		}
		var b bytes.Buffer
		if json.Indent(&b, []byte(line), "", "  ") != nil {
			b.WriteString(line)
		}
		out.WriteString(b.String() + "\n")
	}
	return out.String()
}

// longNumber finds what comes after a number's fourth decimal: probabilities are
// summed in another order on each kernel tier.
var longNumber = regexp.MustCompile(`(\d\.\d{4})\d+`)

// compare checks an exchange against testdata/name.golden.
func compare(t *testing.T, name, got string) {
	t.Helper()
	got = longNumber.ReplaceAllString(got, "$1")
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
