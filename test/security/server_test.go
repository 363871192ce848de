package security_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// site is a server on this machine's own address, with OpenAI's API on a model
// that answers everything with one text.
func site(t *testing.T, cfg server.Config) *httptest.Server {
	t.Helper()
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"fake": {Answer: "hello"}}, library.Options{})
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	s, err := server.New(cfg, openai.New(m, openai.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h
}

// send returns the status, the body and the headers of an answer.
func send(t *testing.T, h *httptest.Server, method, path string, body io.Reader, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, h.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

const chat = "/v1/chat/completions"

// DNS rebinding: a web page's own name points at this machine, so that the page
// may read what the server answers.
func TestForeignHostNames(t *testing.T) {
	h := site(t, server.Config{})
	for _, host := range []string{"evil.example", "evil.example:11435", "127.0.0.1.evil.example", "localhost.evil.example", "169.254.169.254"} {
		if status, body, _ := send(t, h, "GET", "/v1/models", nil, "Host", host); status != http.StatusForbidden {
			t.Errorf("host %s: %d %s", host, status, body)
		}
	}
	for _, host := range []string{"localhost:11435", "127.0.0.1", "[::1]:11435"} {
		if status, body, _ := send(t, h, "GET", "/v1/models", nil, "Host", host); status != http.StatusOK {
			t.Errorf("host %s: %d %s", host, status, body)
		}
	}
}

// A server that echoes any Origin, with credentials, can be used by every web
// page that somebody looks at.
func TestForeignWebPages(t *testing.T) {
	h := site(t, server.Config{})
	for _, origin := range []string{"https://evil.example", "null", "http://localhost.evil.example", "file://"} {
		status, body, head := send(t, h, "POST", chat, strings.NewReader(`{"model":"fake","messages":[{"role":"user","content":"x"}]}`), "Origin", origin)
		if status != http.StatusForbidden {
			t.Errorf("origin %s: %d %s", origin, status, body)
		}
		for name := range head {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("origin %s: got %s", origin, name)
			}
		}
	}
	if _, _, head := send(t, h, "GET", "/v1/models", nil); head.Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS is on without being asked for")
	}
	if status, _, _ := send(t, h, "POST", chat, strings.NewReader(`{}`), "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a cross-site request: %d", status)
	}
}

// A management or model API without authentication on an address that others
// can reach.
func TestNoOpenDoorToTheNetwork(t *testing.T) {
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"fake": {}}, library.Options{})
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		if _, err := server.New(server.Config{Listen: listen}, openai.New(m, openai.Options{})); err == nil {
			t.Errorf("a server without a key was made for %s", listen)
		}
	}
	h := site(t, server.Config{Listen: "0.0.0.0:0", Auth: server.NewFixedKey("sk-right")})
	for _, key := range []string{"", "Bearer ", "Bearer sk-wrong", "Bearer sk-righ", "Bearer sk-rightx", "Basic sk-right"} {
		for _, path := range []string{"/v1/models", "/v1/tokenize", "/metrics", "/debug/pprof/", "/admin"} {
			status, _, _ := send(t, h, "GET", path, nil, "Authorization", key)
			if status == http.StatusOK {
				t.Errorf("key %q at %s: %d", key, path, status)
			}
		}
	}
}

// Numbers out of range reached C code in llama.cpp. Here each is refused at the
// edge, by name.
func TestNumbersOutOfRange(t *testing.T) {
	h := site(t, server.Config{})
	for _, field := range []string{"max_tokens", "max_completion_tokens", "n", "top_logprobs", "temperature", "top_p", "top_k", "min_p", "seed", "frequency_penalty", "presence_penalty"} {
		for _, v := range []string{"-99999999999999999999", "-3000000000", "1e400", "99999999999999999999", `"7"`, "[1]", "{}", "true"} {
			if field == "seed" && v == "-3000000000" {
				continue // any 64-bit number is a seed
			}
			body := `{"model":"fake","logprobs":true,"messages":[{"role":"user","content":"x"}],"` + field + `":` + v + `}`
			status, answer, _ := send(t, h, "POST", chat, strings.NewReader(body))
			if status != http.StatusBadRequest || !strings.Contains(answer, field) {
				t.Errorf("%s = %s: %d %s", field, v, status, answer)
			}
		}
	}
	for _, field := range []string{"n_discard", "n_keep", "id_slot", "n_probs", "t_max_predict_ms"} {
		body := `{"model":"fake","messages":[{"role":"user","content":"x"}],"` + field + `":-1}`
		if status, answer, _ := send(t, h, "POST", chat, strings.NewReader(body)); status != http.StatusBadRequest || !strings.Contains(answer, field) {
			t.Errorf("%s: %d %s", field, status, answer)
		}
	}
}

// Bodies that unfold, or nest, to more than was sent.
func TestBombs(t *testing.T) {
	h := site(t, server.Config{})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range 64 {
		if _, err := z.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := send(t, h, "POST", chat, &packed, "Content-Encoding", "gzip"); status < 400 || status >= 500 {
		t.Errorf("a gzip bomb: %d %.200s", status, body)
	}
	for _, deep := range []string{
		strings.Repeat("[", 1<<20),
		`{"model":"fake","messages":` + strings.Repeat(`[`, 1<<18) + strings.Repeat(`]`, 1<<18) + `}`,
		`{"model":"fake","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":` +
			strings.Repeat(`{"type":"object","properties":{"a":`, 20_000) + `{}` + strings.Repeat(`}}`, 20_000) + `}}}`,
	} {
		if status, body, _ := send(t, h, "POST", chat, strings.NewReader(deep)); status != http.StatusBadRequest {
			t.Errorf("a deep body: %d %.200s", status, body)
		}
	}
}
