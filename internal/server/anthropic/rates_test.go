package anthropic

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

func TestRates(t *testing.T) {
	at := time.Date(2026, 1, 31, 23, 59, 30, 500, time.UTC)
	a := New(nil, Options{Now: func() time.Time { return at.In(time.FixedZone("", 3600)) }})
	f := func(requests, tokens server.Rate, want http.Header) {
		t.Helper()
		h := http.Header{}
		a.TellRates(h, requests, tokens)
		if d := cmp.Diff(want, h); d != "" {
			t.Error(d)
		}
	}
	f(server.Rate{}, server.Rate{}, http.Header{})
	f(server.Rate{Max: 60, Left: 59, Full: time.Second}, server.Rate{}, http.Header{
		"Anthropic-Ratelimit-Requests-Limit": {"60"}, "Anthropic-Ratelimit-Requests-Remaining": {"59"}, "Anthropic-Ratelimit-Requests-Reset": {"2026-01-31T23:59:32Z"},
	})
	want := http.Header{}
	for _, what := range []string{"Tokens", "Input-Tokens", "Output-Tokens"} {
		want["Anthropic-Ratelimit-"+what+"-Limit"] = []string{"1000"}
		want["Anthropic-Ratelimit-"+what+"-Remaining"] = []string{"0"}
		want["Anthropic-Ratelimit-"+what+"-Reset"] = []string{"2026-02-01T00:01:01Z"}
	}
	f(server.Rate{}, server.Rate{Max: 1000, Full: 90 * time.Second}, want)
}

// TestRatesAreTold checks which of two APIs tells what, in answers and errors.
func TestRatesAreTold(t *testing.T) {
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"fake": {Answer: "Yes."}}, library.Options{})
	s, key := limited(t, m, Options{}, store.Limits{RequestsPerMinute: 2, TokensPerMinute: 10_000})
	f := func(path string, status int, left string) {
		t.Helper()
		anthropic := path == "/v1/messages"
		w := newRecorder(s, path, key, `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`)
		h := w.Header()
		if w.Code != status {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if (h.Get("Anthropic-Ratelimit-Requests-Limit") == "2") != anthropic || (h.Get("X-Ratelimit-Limit-Requests") == "2") == anthropic {
			t.Errorf("%s: %v", path, h)
		}
		if anthropic {
			reset, err := time.Parse(time.RFC3339, h.Get("Anthropic-Ratelimit-Tokens-Reset"))
			if err != nil || time.Until(reset) < -time.Second || time.Until(reset) > time.Minute {
				t.Errorf("reset %v: %v", reset, err)
			}
			if got := h.Get("Anthropic-Ratelimit-Requests-Remaining"); got != left {
				t.Errorf("%s of the requests are left, want %s", got, left)
			}
		}
		if (status == http.StatusTooManyRequests) != (h.Get("Retry-After") != "") {
			t.Errorf("%s: %d with Retry-After %q", path, status, h.Get("Retry-After"))
		}
	}
	f("/v1/messages", 200, "1")
	f("/v1/chat/completions", 200, "")
	f("/v1/messages", 429, "0")
}
