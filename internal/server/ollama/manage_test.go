package ollama

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/pull"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// onDisk starts a site with the model "fake", and the file of a model "disk".
func onDisk(t *testing.T, o Options) (*site, string) {
	t.Helper()
	dir := t.TempDir()
	models := map[string]*servertest.Model{"fake": {Answer: "x"}}
	s := serve(t, models, o, library.Options{Dir: dir})
	models["disk"] = &servertest.Model{Answer: "y"} // known to the opener, not yet to the list
	path := filepath.Join(dir, "sub", "disk.gguf")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, path
}

func (s *site) want(t *testing.T, method, path, body string, status int, text string) {
	t.Helper()
	if got, answer := s.do(t, method, path, body); got != status || !strings.Contains(answer, text) {
		t.Errorf("%s %s %s: %d %s\nwant %d with %q", method, path, body, got, answer, status, text)
	}
}

func TestCreateCopyDelete(t *testing.T) {
	s, path := onDisk(t, Options{})
	const ok, bad = http.StatusOK, http.StatusBadRequest
	s.want(t, "GET", "/api/tags", "", ok, `"name":"disk:latest"`)
	s.want(t, "POST", "/api/create", `{"model":"pirate","from":"disk","system":"Speak like a pirate.","parameters":{"temperature":0,"num_predict":7,"stop":["END"]},"license":"MIT"}`, ok, `{"status":"success"}`)
	s.want(t, "POST", "/api/show", `{"model":"pirate"}`, ok, `"system":"Speak like a pirate."`)
	s.want(t, "POST", "/api/show", `{"model":"pirate"}`, ok, `"parent_model":"disk"`)
	s.want(t, "POST", "/api/show", `{"model":"disk"}`, ok, `"general.architecture":"fake"`)
	s.want(t, "POST", "/api/copy", `{"source":"pirate:latest","destination":"corsair:v1"}`, ok, "")
	all := s.ask(t, "/api/chat", `{"model":"corsair:v1","stream":false,`+hello+`}`)
	plain := s.ask(t, "/api/chat", `{"model":"disk","stream":false,`+hello+`}`)
	if all[0].Message.Content != "y" || all[0].PromptEvalCount <= plain[0].PromptEvalCount {
		t.Errorf("the system prompt is missing: %d and %d tokens", all[0].PromptEvalCount, plain[0].PromptEvalCount)
	}
	s.want(t, "GET", "/api/ps", "", ok, `"name":"disk:latest"`) // one model in memory for all three
	s.want(t, "DELETE", "/api/delete", `{"model":"disk"}`, bad, "is made of it")
	s.want(t, "DELETE", "/api/delete", `{"model":"pirate"}`, ok, "")
	s.want(t, "DELETE", "/api/delete", `{"model":"pirate"}`, http.StatusNotFound, "pirate")
	s.want(t, "DELETE", "/api/delete", `{"model":"corsair:v1"}`, ok, "")
	s.want(t, "DELETE", "/api/delete", `{"model":"disk"}`, ok, "")
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file's folder is still there: %v", err)
	}
	s.want(t, "GET", "/api/tags", "", ok, `"name":"fake:latest"`)
	if _, body := s.do(t, "GET", "/api/tags", ""); strings.Contains(body, "disk") {
		t.Error(body)
	}
}

func TestCreateErrors(t *testing.T) {
	s, _ := onDisk(t, Options{})
	f := func(body string, status int, text string) {
		t.Helper()
		s.want(t, "POST", "/api/create", body, status, text)
	}
	const bad = http.StatusBadRequest
	f(`{"model":"x"}`, bad, "'from' is missing")
	f(`{"model":"x","from":"nowhere"}`, http.StatusNotFound, "nowhere")
	f(`{"model":"../x","from":"disk"}`, bad, "no name for a model")
	f(`{"model":"disk","from":"fake"}`, bad, "taken")
	f(`{"model":"x","from":"disk","files":{"a":"sha256:b"}}`, bad, "'files'")
	f(`{"model":"x","from":"disk","parameters":{"warmth":1}}`, bad, "'warmth'")
	f(`{"model":"x","from":"disk","parameters":{"top_p":7}}`, bad, "'top_p' is 7")
	f(`{"model":"x","from":"disk","template":"{{ if .System }}x{{ end }}"}`, bad, "no Jinja template")
	f(`{"model":"x","from":"disk","messages":[{"role":"tool","content":"x"}]}`, bad, "messages[0]")
	s.want(t, "DELETE", "/api/delete", `{"model":"fake"}`, bad, "given to the server by hand")
	none := one(t, &servertest.Model{})
	none.want(t, "POST", "/api/copy", `{"source":"fake","destination":"x"}`, http.StatusNotImplemented, "no folder")
}

// fakePuller downloads nothing.
type fakePuller struct {
	steps []pull.Progress
	err   error
	asked string
}

// Pull tells the steps.
func (f *fakePuller) Pull(_ context.Context, name string, tell func(pull.Progress)) (*pull.Result, error) {
	f.asked = name
	for _, p := range f.steps {
		tell(p)
	}
	return &pull.Result{Name: name}, f.err
}

func TestPull(t *testing.T) {
	p := &fakePuller{steps: []pull.Progress{
		{Status: "reading the header"},
		{Status: "downloading", File: "a/b.gguf", SHA256: "12", Done: 5, Total: 10},
		{Status: "downloading", File: "a/b.gguf", SHA256: "12", Done: 10, Total: 10},
	}}
	s, _ := onDisk(t, Options{Puller: p})
	const want = `{"status":"reading the header"}
{"status":"pulling a/b.gguf","digest":"sha256:12","total":10,"completed":5}
{"status":"pulling a/b.gguf","digest":"sha256:12","total":10,"completed":10}
{"status":"success"}
`
	if _, body := s.post(t, "/api/pull", `{"model":"hf.co/a/b"}`); body != want || p.asked != "hf.co/a/b" {
		t.Errorf("%s", body)
	}
	if _, body := s.post(t, "/api/pull", `{"name":"hf.co/a/b","stream":false}`); body != `{"status":"success"}`+"\n" {
		t.Errorf("%s", body)
	}
	p.asked = ""
	if _, body := s.post(t, "/api/pull", `{"model":"disk"}`); p.asked != "" || !strings.Contains(body, "here already") {
		t.Errorf("a model that is here was asked for: %s", body)
	}
	f := func(err error, status int, text string) {
		t.Helper()
		p.steps, p.err = nil, err
		s.want(t, "POST", "/api/pull", `{"model":"far"}`, status, text)
	}
	f(&pull.NameError{Name: "far", Why: "is odd"}, 400, "is odd")
	f(&pull.ChoiceError{Repo: "a/b", Choices: []string{"q4"}}, 400, "q4")
	f(&pull.SpaceError{Dir: "d", Need: 5 << 30, Free: 1 << 30}, 503, "5.0 GiB")
	f(&pull.StatusError{URL: "https://x", Status: 404}, 404, "https://x")
	f(&pull.StatusError{URL: "https://x", Status: 401, Hint: "HF_TOKEN"}, 400, "HF_TOKEN")
	f(pull.ErrBusy, 400, "another program")
	f(&pull.RefusedError{Err: errors.New("needs 9 GiB")}, 503, "needs 9 GiB")
	s.want(t, "POST", "/api/pull", `{"model":"x","insecure":true}`, 400, "'insecure'")
	s.want(t, "POST", "/api/pull", `{"model":"x","password":"y"}`, 400, "'password'")
}
