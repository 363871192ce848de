package deepseek

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

const whyBody = `{"model":"deepseek-chat","messages":[{"role":"user","content":"Why?"}],"temperature":0`

// TestKeepAlive checks that a connection is not silent while the model works:
// empty lines before an object, comments in a stream.
func TestKeepAlive(t *testing.T) {
	s := serve(t, map[string]*servertest.Model{"fake": {Answer: "ok", Delay: 100 * time.Millisecond}}, Options{Heartbeat: 20 * time.Millisecond}, library.Options{})
	_, body := s.post(t, "/chat/completions", whyBody+"}")
	object := strings.TrimLeft(body, "\n")
	if n := len(body) - len(object); n < 3 {
		t.Errorf("%d empty lines before\n%s", n, object)
	}
	if !json.Valid([]byte(body)) || !strings.HasPrefix(object, `{"id":`) {
		t.Errorf("not an object: %q", body)
	}
	_, body = s.post(t, "/chat/completions", whyBody+`,"stream":true}`)
	if n := strings.Count(body, ": keep-alive\n\n"); n < 3 || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%d comments in\n%s", n, body)
	}
	_, body = s.post(t, "/beta/completions", `{"model":"fake","prompt":"Why?","temperature":0}`)
	if !strings.HasPrefix(body, "\n\n") || !json.Valid([]byte(body)) {
		t.Errorf("%q", body)
	}
}

// TestUsersAreIsolated checks that a user finds nothing of another one's in the
// cache.
func TestUsersAreIsolated(t *testing.T) {
	m := &servertest.Model{Answer: "Salt."}
	s := one(t, m)
	long := `{"model":"deepseek-chat","messages":[{"role":"user","content":"` + strings.Repeat("Why is the sea salty? ", 40) + `"}],"temperature":0,"user_id":"`
	hits := func(user string) (hit, miss int) {
		t.Helper()
		_, body := s.post(t, "/chat/completions", long+user+`"}`)
		var a chatAnswer
		if err := json.Unmarshal([]byte(body), &a); err != nil || a.Usage == nil {
			t.Fatal(body, err)
		}
		if a.Usage.Hit+a.Usage.Miss != a.Usage.PromptTokens || a.Usage.Hit != a.Usage.PromptDetails.CachedTokens {
			t.Errorf("%+v", a.Usage)
		}
		return a.Usage.Hit, a.Usage.Miss
	}
	if hit, miss := hits("ann"); hit != 0 || miss < 100 {
		t.Errorf("the first request: %d hits, %d misses", hit, miss)
	}
	if hit, _ := hits("ann"); hit < 100 {
		t.Errorf("the same again: %d hits", hit)
	}
	if hit, _ := hits("bob"); hit != 0 {
		t.Errorf("another user: %d hits", hit)
	}
}

// TestHostedNames checks what /models lists, and that a model of that name
// comes before the name's meaning.
func TestHostedNames(t *testing.T) {
	s := serve(t, map[string]*servertest.Model{"deepseek-chat": {Answer: "own"}}, Options{}, library.Options{})
	resp, err := http.Get(s.URL + "/models")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	want := `{"object":"list","data":[{"id":"deepseek-chat","object":"model","owned_by":"holdfast"},{"id":"deepseek-reasoner","object":"model","owned_by":"holdfast"},{"id":"deepseek-flash","object":"model","owned_by":"holdfast"}]}` + "\n"
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	for _, name := range []string{"deepseek-chat", "deepseek-v4-pro"} {
		if status, body := s.post(t, "/chat/completions", strings.Replace(whyBody, "deepseek-chat", name, 1)+"}"); status != 200 || !strings.Contains(body, `"content":"own"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

type fixedBalance struct{ err error }

func (f fixedBalance) Balance(context.Context, string) (Balance, error) {
	return Balance{Available: false, Infos: []Amount{{"USD", "0.50", "0.00", "0.50"}}}, f.err
}

func TestBalance(t *testing.T) {
	f := func(b Balances, status int, want string) {
		t.Helper()
		s := serve(t, map[string]*servertest.Model{"fake": {}}, Options{Balances: b}, library.Options{})
		resp, err := http.Get(s.URL + "/user/balance")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, _ := io.ReadAll(resp.Body); resp.StatusCode != status || !strings.Contains(string(got), want) {
			t.Errorf("%d %s", resp.StatusCode, got)
		}
	}
	f(nil, 200, `{"is_available":true,"balance_infos":[]}`)
	f(fixedBalance{}, 200, `{"is_available":false,"balance_infos":[{"currency":"USD","total_balance":"0.50","granted_balance":"0.00","topped_up_balance":"0.50"}]}`)
	f(fixedBalance{errors.New("disk")}, 500, `"type":"server_error"`)
}

// TestUnderV1 checks that OpenAI's addresses speak this dialect for its names,
// and OpenAI's for others.
func TestUnderV1(t *testing.T) {
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"fake": {Answer: "Salt."}}, library.Options{})
	ds := New(m, Options{})
	srv, err := server.New(server.Config{Listen: "127.0.0.1:0"}, openai.New(m, openai.Options{Delegate: ds.Delegate}), ds)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(srv)
	defer h.Close()
	s := &site{h, m}
	f := func(path, body string, status int, want string, has bool) {
		t.Helper()
		got, answer := s.post(t, path, body)
		if got != status || strings.Contains(answer, want) != has {
			t.Errorf("%s %s: %d %s", path, body, got, answer)
		}
	}
	own := strings.Replace(whyBody, "deepseek-chat", "fake", 1) + "}"
	f("/v1/chat/completions", whyBody+"}", 200, "prompt_cache_hit_tokens", true)
	f("/v1/chat/completions", whyBody+`,"stream":true}`, 200, "prompt_cache_hit_tokens", true)
	f("/v1/chat/completions", own, 200, "prompt_cache_hit_tokens", false)
	f("/chat/completions", own, 200, "prompt_cache_hit_tokens", true)
	f("/v1/completions", `{"model":"deepseek-chat","prompt":"Why?","max_tokens":1}`, 200, "prompt_cache_hit_tokens", true)
	f("/v1/chat/completions", whyBody+`,"temperature":0,"n":2}`, 422, "comes twice", true)
	f("/v1/chat/completions", whyBody+`,"n":2}`, 400, "Invalid n value", true)
	f("/v1/chat/completions", `{"model":"gpt","messages":[]}`, 400, "'messages' is missing or empty", true)
}

// TestStartLimit checks that a request does not wait for ever.
func TestStartLimit(t *testing.T) {
	m := &servertest.Model{Answer: "I go on", Endless: true, Delay: 5 * time.Millisecond}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{StartLimit: 100 * time.Millisecond}, library.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for range 40 { // more than run at once
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/chat/completions", strings.NewReader(whyBody+`,"stream":true}`))
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
	}
	for {
		if i := s.models.Running(); len(i) == 1 && i[0].Stats.Running > 0 && i[0].Stats.Queued > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	status, body := s.post(t, "/chat/completions", whyBody+"}")
	if status != 503 || !strings.Contains(body, "Server overloaded: the request waited 100ms for its turn") {
		t.Errorf("%d %s", status, body)
	}
}

// TestEndForWantOfResources checks that an answer that was begun and cannot go
// on is not lost.
func TestEndForWantOfResources(t *testing.T) {
	d := chat.Done{Reason: chat.FinishError, Err: fmt.Errorf("engine: %w", engine.ErrClosed)}
	if err := failure(d, true); err != nil || reasonOf(d) != "insufficient_system_resource" {
		t.Errorf("%v, %s", err, reasonOf(d))
	}
	if failure(d, false) == nil {
		t.Error("an answer without anything is no answer")
	}
	if failure(chat.Done{Reason: chat.FinishError, Err: errors.New("a mistake")}, true) == nil {
		t.Error("a mistake is no want of resources")
	}
}
