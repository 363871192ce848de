package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// A shell runs commands in a home of its own.
type shell struct {
	t        *testing.T
	cfg      *config.Config
	out, err bytes.Buffer
}

// run runs a command line that must end with a code.
func (s *shell) run(code Code, line ...string) string {
	s.t.Helper()
	s.out.Reset()
	s.err.Reset()
	a := app.New(app.IO{In: strings.NewReader(""), Out: &s.out, Err: &s.err}, s.cfg, nil)
	if got := Run(context.Background(), line, a); got != code {
		s.t.Errorf("holdfast %s: code %d, expected %d\n%s%s", strings.Join(line, " "), got, code, &s.out, &s.err)
	}
	return s.out.String() + s.err.String()
}

// want checks what a command says.
func (s *shell) want(text string, code Code, line ...string) {
	s.t.Helper()
	if got := s.run(code, line...); !strings.Contains(got, text) {
		s.t.Errorf("holdfast %s: expected %q in:\n%s", strings.Join(line, " "), text, got)
	}
}

// hub serves one model as o/r.
func hub(t *testing.T) (*httptest.Server, []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/llama-tied/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/models/o/r") {
			fmt.Fprintf(w, `{"cardData":{"license":"mit"},"siblings":[{"rfilename":"tiny-Q8_0.gguf","lfs":{"sha256":"%x","size":%d}}]}`, sha256.Sum256(data), len(data))
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(h.Close)
	return h, data
}

// TestModelCommands downloads a model, looks at it, names it, runs it by name and
// deletes it.
func TestModelCommands(t *testing.T) {
	h, data := hub(t)
	s := &shell{t: t, cfg: &config.Config{Dirs: config.Dirs{Home: t.TempDir()}, Hub: config.Hub{Endpoint: h.URL}}}
	s.want("there are no models in", OK, "list")
	s.want("it fits", OK, "pull", "--dry-run", "hf.co/o/r")
	s.want("there are no models in", OK, "list")
	s.want("try  holdfast run hf.co/o/r:Q8_0", OK, "pull", "hf.co/o/r:Q8_0")
	var all []listedModel
	if err := json.Unmarshal([]byte(s.run(OK, "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Name != "tiny-Q8_0" || all[0].Bytes != int64(len(data)) || all[0].Aliases[0] != "hf.co/o/r:Q8_0" || all[0].Architecture != "llama" {
		t.Errorf("%+v", all)
	}
	s.want("tiny-Q8_0 is also called hf.co/o/r:Q8_0", OK, "list")
	s.want("came from", OK, "show", "hf.co/o/r:Q8_0")
	s.want(`"architecture": "llama"`, OK, "inspect", "tiny-Q8_0", "--json")
	s.want("is now called small as well", OK, "cp", "tiny-Q8_0", "small")
	s.want("small is made of tiny-Q8_0", OK, "ls")
	s.want(`"architecture": "llama"`, OK, "inspect", "small", "--json")
	s.want("remove that first", Usage, "rm", "tiny-Q8_0")
	s.want("deleted small", OK, "rm", "small", "tiny-Q8_0")
	s.want("there are no models in", OK, "list")
	s.want("does not exist here", Usage, "rm", "small")
	s.want("expected hf.co/OWNER/REPO:QUANT", Usage, "pull", "../x")
	s.want(`has no "Q2_K"; name one of these`, Usage, "pull", "hf.co/o/r:Q2_K")
	s.want("--limit-rate", Usage, "pull", "--limit-rate", "fast", "hf.co/o/r")
}

func TestPs(t *testing.T) {
	s := &shell{t: t, cfg: &config.Config{}}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer k" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"no key"}`)
			return
		}
		fmt.Fprint(w, `{"models":[{"name":"m:latest","size":1048576,"context_length":4096,"expires_at":"2999-01-01T00:00:00Z"}]}`)
	}))
	addr := strings.TrimPrefix(h.URL, "http://")
	s.want("m:latest  1.0 MiB     4096", OK, "ps", "--listen", addr, "--api-key", "k")
	s.want("answered 401 no key", Failure, "ps", "--listen", addr)
	h.Close()
	s.want("no server answers", Usage, "ps", "--listen", addr)
}
