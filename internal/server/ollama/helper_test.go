package ollama

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// A site is a server with this API on fake models.
type site struct {
	*httptest.Server
	models *library.Manager
}

func serve(t *testing.T, models map[string]*servertest.Model, o Options, lo library.Options) *site {
	t.Helper()
	m := servertest.Manager(t, golden.ModuleRoot(t), models, lo)
	if o.Library == nil {
		o.Library = m
	}
	o.Now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	o.NewCallID = func(int) string { return "call_x" }
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

// do sends a request and returns the answer with its status.
func (s *site) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
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

func (s *site) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, body)
}

// A line is any line of an answer.
type line struct {
	Model      string  `json:"model"`
	CreatedAt  string  `json:"created_at"`
	Message    message `json:"message"`
	Response   string  `json:"response"`
	Thinking   string  `json:"thinking"`
	Done       bool    `json:"done"`
	DoneReason string  `json:"done_reason"`
	Context    []int32 `json:"context"`
	Logprobs   []struct {
		Token string `json:"token"`
		Top   []any  `json:"top_logprobs"`
	} `json:"logprobs"`
	Error              string `json:"error"`
	Status             string `json:"status"`
	PromptEvalCount    int    `json:"prompt_eval_count"`
	EvalCount          int    `json:"eval_count"`
	TotalDuration      int64  `json:"total_duration"`
	PromptEvalDuration int64  `json:"prompt_eval_duration"`
	EvalDuration       int64  `json:"eval_duration"`
}

// lines reads an answer.
func lines(t *testing.T, body string) (out []line) {
	t.Helper()
	sc := bufio.NewScanner(strings.NewReader(body))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatalf("%v in %q", err, sc.Text())
		}
		out = append(out, l)
	}
	return out
}

// ask sends a request that must succeed, and returns the lines.
func (s *site) ask(t *testing.T, path, body string) []line {
	t.Helper()
	switch { // the likeliest token is what the model says
	case strings.Contains(body, `"options":{}`):
		body = strings.Replace(body, `"options":{}`, `"options":{"temperature":0}`, 1)
	case strings.Contains(body, `"options":{`):
		body = strings.Replace(body, `"options":{`, `"options":{"temperature":0,`, 1)
	default:
		body = `{"options":{"temperature":0},` + body[1:]
	}
	status, answer := s.post(t, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", path, body, status, answer)
	}
	return lines(t, answer)
}

// joined puts a stream together; its last line must be the end.
func joined(t *testing.T, all []line) (text, thinking string, calls []toolCall, last line) {
	t.Helper()
	for i, l := range all {
		text += l.Message.Content + l.Response
		thinking += l.Message.Thinking + l.Thinking
		calls = append(calls, l.Message.ToolCalls...)
		if l.Done != (i == len(all)-1) {
			t.Errorf("line %d of %d has done %v", i, len(all), l.Done)
		}
		last = l
	}
	return text, thinking, calls, last
}
