package server

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// chatAPI answers a question with a model.
type chatAPI struct {
	testAPI
	b Backend
}

func (a chatAPI) Register(r *Router) {
	a.testAPI.Register(r)
	r.Handle("DELETE /model", Managing(func(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, 200, "gone") }))
	r.Handle("POST /chat/{model}", func(w http.ResponseWriter, r *http.Request) error {
		l, err := a.b.Acquire(r.Context(), r.PathValue("model"))
		if err != nil {
			return err
		}
		defer l.Release()
		ans, err := l.Chat(r.Context(), &chat.Request{Messages: []chat.Message{{Role: chat.User, Content: []chat.Part{{Text: "Why is the sea salty, and rivers are not?"}}}}}, llm.Options{})
		if err != nil {
			return err
		}
		var u chat.Usage
		for e := range ans.Events() {
			if x, ok := e.(chat.Usage); ok {
				u = x
			}
		}
		return WriteJSON(w, 200, u)
	})
}

// keyed returns a server with a store and two models.
func keyed(t *testing.T, others Authenticator) (*Server, *store.Store) {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"one": {Answer: "Salt."}, "two": {Answer: "Salt."}}, library.Options{})
	if err := m.Alias("uno", "one"); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Listen: "127.0.0.1:11435", Auth: NewKeys(st, others)}, chatAPI{b: Guard(m)})
	if err != nil {
		t.Fatal(err)
	}
	return s, st
}

func newKey(t *testing.T, st *store.Store, name string, l store.Limits) (secret string) {
	t.Helper()
	_, secret, err := st.AddKey(t.Context(), name, time.Time{}, l)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func post(s http.Handler, model, key string) *httptest.ResponseRecorder {
	if key == "" {
		return ask(s, "POST", "/chat/"+model, "")
	}
	return ask(s, "POST", "/chat/"+model, "", "Authorization: Bearer "+key)
}

func TestKeysDecideWhoMayAsk(t *testing.T) {
	f := func(name string, others Authenticator, key string, want int) {
		t.Helper()
		s, st := keyed(t, others)
		switch key {
		case "good":
			key = newKey(t, st, "ann", store.Limits{})
		case "revoked":
			key = newKey(t, st, "ann", store.Limits{})
			if err := st.Revoke(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		}
		w := post(s, "one", key)
		if w.Code != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if (w.Code == 401) != (w.Header().Get("Www-Authenticate") != "") {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	f("no key where none is needed", Open{}, "", 200)
	f("any key where none is needed", Open{}, "ollama", 200)
	f("no key", Closed{}, "", 401)
	f("wrong key", Closed{}, "sk-hf-WRONG", 401)
	f("other key", Closed{}, "ollama", 401)
	f("good key", Closed{}, "good", 200)
	f("good key where none is needed", Open{}, "good", 200)
	f("revoked key", Closed{}, "revoked", 401)
	f("revoked key where none is needed", Open{}, "revoked", 401)
	f("fixed key", NewFixedKey("sesame"), "sesame", 200)
	f("beside a fixed key", NewFixedKey("sesame"), "good", 200)
	f("neither", NewFixedKey("sesame"), "x", 401)
}

func TestLimitsAreErrors(t *testing.T) {
	s, st := keyed(t, Closed{})
	none := int64(0)
	f := func(name string, l store.Limits, model string, first, second int, code string) {
		t.Helper()
		key := newKey(t, st, name, l)
		if w := post(s, model, key); w.Code != first {
			t.Errorf("%s: first: %d %s", name, w.Code, w.Body)
		}
		w := post(s, model, key)
		if w.Code != second || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: second: %d %s", name, w.Code, w.Body)
		}
		if (w.Code == 429) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	f("free", store.Limits{}, "one", 200, 200, "")
	f("requests", store.Limits{RequestsPerMinute: 1}, "one", 200, 429, "rate_limit_exceeded")
	f("tokens", store.Limits{TokensPerMinute: 10}, "one", 200, 429, "tokens per minute")
	f("day", store.Limits{TokensPerDay: 10}, "one", 200, 429, "tokens per day")
	f("balance", store.Limits{Balance: &none}, "one", 402, 402, "insufficient_quota")
	f("at-once", store.Limits{Concurrent: 1}, "one", 200, 200, "") // released
	f("models", store.Limits{Models: []string{"two"}}, "one", 403, 403, "forbidden")
	f("models2", store.Limits{Models: []string{"one"}}, "uno", 200, 200, "")
	f("alias", store.Limits{Models: []string{"UNO"}}, "uno", 200, 200, "")
	f("other-name", store.Limits{Models: []string{"uno"}}, "one", 200, 200, "") // of the same model
	f("missing", store.Limits{Models: []string{"two"}}, "zzz", 404, 404, "model_not_found")
}

// TestUseIsCounted checks that what is answered is what is counted, and that
// keys do not share a cache.
func TestUseIsCounted(t *testing.T) {
	s, st := keyed(t, Closed{})
	ann, bob := newKey(t, st, "ann", store.Limits{}), newKey(t, st, "bob", store.Limits{})
	for _, key := range []string{ann, ann, bob} {
		if w := post(s, "uno", key); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	rows, err := st.Usage(t.Context(), store.Query{})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v %v", rows, err)
	}
	a, b := rows[0], rows[1]
	if a.Key != "ann" || a.Model != "one" || a.Requests != 2 || a.Prompt != 2*b.Prompt || a.Cached == 0 || a.Completion != 2*b.Completion {
		t.Errorf("%+v", a)
	}
	if b.Key != "bob" || b.Requests != 1 || b.Cached != 0 || b.Prompt == 0 || b.Completion == 0 {
		t.Errorf("%+v", b)
	}
}

func TestNotEverybodyManages(t *testing.T) {
	f := func(name string, others Authenticator, key func(st *store.Store) string, want int) {
		t.Helper()
		s, st := keyed(t, others)
		headers := []string{"X-None: x"}
		if k := key(st); k != "" {
			headers = []string{"X-Api-Key: " + k}
		}
		if w := ask(s, "DELETE", "/model", "", headers...); w.Code != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	f("this machine's user", Open{}, func(*store.Store) string { return "" }, 200)
	f("the fixed key", NewFixedKey("sesame"), func(*store.Store) string { return "sesame" }, 200)
	f("a user", Closed{}, func(st *store.Store) string { return newKey(t, st, "ann", store.Limits{}) }, 403)
	f("a manager", Closed{}, func(st *store.Store) string { return newKey(t, st, "ann", store.Limits{Manage: true}) }, 200)
	f("nobody", Closed{}, func(*store.Store) string { return "" }, 401)
}

// TestLimitsByTheMinuteAreTold checks the headers that OpenAI's clients read.
func TestLimitsByTheMinuteAreTold(t *testing.T) {
	s, st := keyed(t, Closed{})
	f := func(name string, l store.Limits, want map[string]string) {
		t.Helper()
		key := newKey(t, st, name, l)
		for range 2 {
			h := post(s, "one", key).Header()
			for k, v := range want {
				if !regexp.MustCompile("^" + v + "$").MatchString(h.Get(k)) {
					t.Errorf("%s: %s is %q, want %s", name, k, h.Get(k), v)
				}
			}
		}
	}
	f("none", store.Limits{TokensPerDay: 10_000}, map[string]string{"x-ratelimit-limit-requests": "", "x-ratelimit-limit-tokens": "", "x-ratelimit-reset-tokens": ""})
	f("requests", store.Limits{RequestsPerMinute: 1}, map[string]string{
		"x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": `(59|1m0)(\.\d+)?s`, "x-ratelimit-limit-tokens": "",
	})
	f("tokens", store.Limits{TokensPerMinute: 1}, map[string]string{
		"x-ratelimit-limit-tokens": "1", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": `\d+m.*s`,
	})
}

func TestListsHideModelsOfOthers(t *testing.T) {
	list := []library.Info{{Name: "one", Aliases: []string{"uno"}}, {Name: "two"}}
	f := func(models []string, want int) {
		t.Helper()
		ctx, _ := visiting(t.Context(), Principal{Account: &account{key: store.Key{Limits: store.Limits{Models: models}}}})
		if got := Visible(ctx, list); len(got) != want || len(list) != 2 {
			t.Errorf("%v: %v", models, got)
		}
	}
	f(nil, 2)
	f([]string{"TWO"}, 1)
	f([]string{"uno"}, 1)
	f([]string{"three"}, 0)
	if got := Visible(t.Context(), list); len(got) != 2 {
		t.Errorf("without a key: %v", got)
	}
}
