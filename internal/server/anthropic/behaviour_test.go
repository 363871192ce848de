package anthropic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

const streamed = `{"model":"fake","max_tokens":100,"messages":[{"role":"user","content":"Why?"}],"temperature":0,"stream":true}`

func newHTTP(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// eventually waits for something that happens soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s did not happen", what)
}

// TestPings checks that streams are not silent while the model thinks.
func TestPings(t *testing.T) {
	m := &servertest.Model{Answer: "ok", Delay: 100 * time.Millisecond}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{Heartbeat: 20 * time.Millisecond}, library.Options{})
	_, got := s.post(t, "/v1/messages", streamed)
	if n := strings.Count(got, "event: ping\ndata: {\"type\":\"ping\"}\n\n"); n < 4 {
		t.Errorf("%d pings in\n%s", n, got)
	}
}

// TestOrder checks the order of a stream's events, pings aside.
func TestOrder(t *testing.T) {
	m := &servertest.Model{Template: servertest.Tools, Answer: "I look." + servertest.Calls("weather", `{"city":"Oslo"}`)}
	s := one(t, m)
	body := strings.Replace(streamed, `"max_tokens":100`, `"max_tokens":400,`+weatherTool, 1)
	_, got := s.post(t, "/v1/messages", body)
	var order []string
	for _, e := range events(t, got) {
		kind := fmt.Sprintf("%s %d %s", e.Type, e.Index, e.Delta.Type)
		if e.Type != "ping" && (len(order) == 0 || order[len(order)-1] != kind) {
			order = append(order, kind)
		}
	}
	want := []string{
		"message_start 0 ",
		"content_block_start 0 ", "content_block_delta 0 text_delta", "content_block_stop 0 ",
		"content_block_start 1 ", "content_block_delta 1 input_json_delta", "content_block_stop 1 ",
		"message_delta 0 ", "message_stop 0 ",
	}
	if d := cmp.Diff(want, order); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestErrorInAStream checks the event that ends a stream which cannot go on.
func TestErrorInAStream(t *testing.T) {
	m := &servertest.Model{Endless: true, Answer: "I go on", Delay: 2 * time.Millisecond}
	s := one(t, m)
	s.post(t, "/v1/messages/count_tokens", `{"model":"fake","messages":[{"role":"user","content":"Why?"}]}`)
	if m.Loads() != 1 { // from here on there is the fake
		t.Fatal("the model is not loaded")
	}
	time.AfterFunc(100*time.Millisecond, func() { m.Fake.Fail.Store(true) })
	body := strings.Replace(streamed, `"max_tokens":100`, `"max_tokens":4000`, 1)
	_, got := s.post(t, "/v1/messages", body)
	all := events(t, got)
	last := all[len(all)-1]
	if last.Type != "error" || last.Error.Type != "api_error" || last.Error.Message == "" {
		t.Errorf("the last event is %+v of\n%s", last, got)
	}
	if all[0].Type != "message_start" || strings.Contains(got, "message_stop") {
		t.Errorf("got\n%s", got)
	}
}

// TestOverload checks what a client is told when the queue is full.
func TestOverload(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "I go on", Endless: true, Delay: 5 * time.Millisecond, Queue: 1})
	body := strings.Replace(streamed, `"max_tokens":100`, `"max_tokens":4000`, 1)
	var last *http.Response
	for range 64 {
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/messages", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if last = resp; resp.StatusCode != http.StatusOK {
			break
		}
	}
	if last.StatusCode != statusOverloaded || last.Header.Get("Retry-After") != "5" || last.Header.Get("X-Queue-Position") == "" {
		t.Errorf("%d %v", last.StatusCode, last.Header)
	}
}

// TestClientGone checks that an answer ends when its client leaves.
func TestClientGone(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "I go on", Endless: true, Delay: 2 * time.Millisecond})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	body := strings.Replace(streamed, `"max_tokens":100`, `"max_tokens":4000`, 1)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the release of the model", func() bool { return s.models.Running()[0].Users == 0 })
}

// TestContextEnds checks that an answer which fills the context says so: it is
// not the client's limit that ended it.
func TestContextEnds(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "I go on", Endless: true, Context: 64})
	_, got := s.post(t, "/v1/messages", `{"model":"fake","max_tokens":32000,"messages":[{"role":"user","content":"Why?"}]}`)
	if !strings.Contains(got, `"stop_reason":"model_context_window_exceeded"`) {
		t.Error(got)
	}
}

// TestCacheIsReported checks the numbers of a prompt that was seen before, and
// who shares it.
func TestCacheIsReported(t *testing.T) {
	m := &servertest.Model{Answer: "ok"}
	s := one(t, m)
	long := strings.Repeat("salt ", 40)
	f := func(user string, seen bool) {
		t.Helper()
		m.Next()
		body := `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"` + long + `"}],"metadata":{"user_id":` + user + `}}`
		_, got := s.post(t, "/v1/messages", body)
		var a answer
		if err := json.Unmarshal([]byte(got), &a); err != nil {
			t.Fatal(got)
		}
		_, count := s.post(t, "/v1/messages/count_tokens", body)
		if want := fmt.Sprintf(`{"input_tokens":%d}`+"\n", a.Usage.InputTokens+a.Usage.CacheRead); count != want {
			t.Errorf("%s: counted %s, expected %s", user, count, want)
		}
		if (a.Usage.CacheRead > 0) != seen {
			t.Errorf("%s: %+v", user, a.Usage)
		}
	}
	f(`null`, false)
	f(`null`, true)
	f(`"alice"`, false)
	f(`"alice"`, true)
	f(`"bob"`, false)
	f(`"user_1a_account_2b_session_3c"`, false)
	f(`"user_1a_account_2b_session_4d"`, true)
	f(`"{\"device_id\":\"d\",\"session_id\":\"1\"}"`, false)
	f(`"{\"session_id\":\"2\",\"device_id\":\"d\"}"`, true)
}

// TestReplay checks that an answer with a call is found in the cache when it
// comes back written in another way: its id stands for the tokens.
func TestReplay(t *testing.T) {
	m := &servertest.Model{Template: servertest.Tools, Answer: servertest.Calls("weather", `{"city":"Oslo","when":"now"}`)}
	s := one(t, m)
	tools := `"tools":[{"name":"weather","input_schema":{"type":"object","properties":{"city":{"type":"string"},"when":{"type":"string"}},"required":["city","when"],"additionalProperties":false}}]`
	ask := func(more string) answer {
		t.Helper()
		m.Next()
		_, got := s.post(t, "/v1/messages", `{"model":"fake","max_tokens":300,"temperature":0,`+tools+`,"messages":[{"role":"user","content":"Weather?"}`+more+`]}`)
		var a answer
		if err := json.Unmarshal([]byte(got), &a); err != nil {
			t.Fatal(got)
		}
		return a
	}
	first := ask("")
	if first.StopReason == nil || *first.StopReason != "tool_use" {
		t.Fatalf("%+v", first)
	}
	f := func(id string, known bool) {
		t.Helper()
		u := ask(`,{"role":"assistant","content":[{"type":"tool_use","id":"` + id + `","name":"weather","input":{"when": "now", "city": "Oslo"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"fair"}]}`).Usage
		whole := first.Usage.InputTokens + first.Usage.OutputTokens
		if (u.CacheRead > whole-32) != known { // whole blocks of 16 are cached
			t.Errorf("%s: %+v, after %+v", id, u, first.Usage)
		}
	}
	f("toolu_other", false)
	f("toolu_id2", true)
}

// TestNames checks which model answers for which name.
func TestNames(t *testing.T) {
	f := func(served []string, o Options, name, want string) {
		t.Helper()
		models := map[string]*servertest.Model{}
		for _, n := range served {
			models[n] = &servertest.Model{}
		}
		a := New(servertest.Manager(t, "../../..", models, library.Options{}), o)
		if got := a.resolve(t.Context(), name); got != want {
			t.Errorf("of %q, %q is answered by %q, expected %q", served, name, got, want)
		}
	}
	f([]string{"fake"}, Options{}, "claude-sonnet-5", "fake")
	f([]string{"fake"}, Options{}, "gpt-9", "gpt-9")
	f([]string{"fake", "deepseek-flash"}, Options{}, "claude-haiku-4-5", "deepseek-flash")
	f([]string{"fake", "deepseek-flash", "deepseek-v4-pro"}, Options{}, "claude-opus-5-20260801", "deepseek-v4-pro")
	f([]string{"a", "b"}, Options{Default: "b"}, "claude-opus-5", "b")
	f([]string{"a", "claude-opus-5"}, Options{Default: "a"}, "claude-opus-5", "claude-opus-5")
}

// TestNamesOfLimitedKeys checks that claude-* is a model that the key may use.
func TestNamesOfLimitedKeys(t *testing.T) {
	f := func(o Options, may []string, want int, model string) {
		t.Helper()
		m := servertest.Manager(t, "../../..", map[string]*servertest.Model{
			"a": {Answer: "a"}, "b": {Answer: "b"}, "deepseek-flash": {Answer: "flash"},
		}, library.Options{})
		if err := m.Alias("bee", "b"); err != nil {
			t.Fatal(err)
		}
		s, key := limited(t, m, o, store.Limits{Models: may})
		w := newRecorder(s, "/v1/messages", key, `{"model":"claude-sonnet-5","max_tokens":99,"temperature":0,"messages":[{"role":"user","content":"Hi"}]}`)
		if w.Code != want || !strings.Contains(w.Body.String(), model) {
			t.Errorf("a key for %q: %d %s", may, w.Code, w.Body)
		}
	}
	f(Options{}, nil, 200, `"text":"flash"`)
	f(Options{}, []string{"b"}, 200, `"text":"b"`)
	f(Options{}, []string{"bee"}, 200, `"text":"b"`)
	f(Options{Default: "a"}, []string{"b"}, 200, `"text":"b"`)
	f(Options{Default: "a"}, []string{"b", "a"}, 200, `"text":"a"`)
	f(Options{}, []string{"zzz"}, 403, "permission_error")
}

// TestModels checks the list's pages, and that other clients get their own.
func TestModels(t *testing.T) {
	s := serve(t, map[string]*servertest.Model{"a": {}, "b": {}, "c": {}}, Options{}, library.Options{})
	get := func(query string) (out modelList) {
		t.Helper()
		h, got := s.ask(t, http.MethodGet, "/v1/models"+query, "")
		if err := json.Unmarshal([]byte(got), &out); err != nil || h.status != 200 || len(out.Data) == 0 {
			t.Fatalf("%s: %d %s", query, h.status, got)
		}
		return out
	}
	first := get("?limit=2")
	rest := get("?after_id=" + *first.LastID)
	back := get("?limit=1&before_id=" + *first.LastID)
	if len(first.Data) != 2 || !first.HasMore || len(rest.Data) != 1 || rest.HasMore || back.HasMore || back.Data[0].ID != first.Data[0].ID {
		t.Errorf("%+v, then %+v, before %+v", first, rest, back)
	}
	if m := first.Data[0]; m.Type != "model" || m.MaxInputTokens != 4096 || m.Lifecycle != "active" || m.CreatedAt.Unix() != 1_700_000_000 {
		t.Errorf("%+v", m)
	}
	for path, status := range map[string]int{"/v1/models/a": 200, "/anthropic/v1/models/claude-opus-5": 200, "/v1/models/none": 404, "/v1/models?limit=0": 400, "/v1/models?limit=": 400, "/v1/models?after_id=x": 400} {
		if h, got := s.ask(t, http.MethodGet, path, ""); h.status != status {
			t.Errorf("%s: %d %s", path, h.status, got)
		}
	}
	resp, err := http.Get(s.URL + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var other struct{ Object string }
	if err := json.NewDecoder(resp.Body).Decode(&other); err != nil || other.Object != "list" {
		t.Errorf("a client of another API gets %+v (%v)", other, err)
	}
}
