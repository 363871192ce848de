package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

// A serving is a running serve command.
type serving struct {
	base     string // such as http://127.0.0.1:12345
	out, log *lockedBuffer
	stop     func() Code // and what the command returned
	client   *http.Client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// appIn returns the program with its data in a folder, and a starter of noise.
func appIn(t *testing.T, home string, out, log io.Writer) *app.App {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/llama-tied/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	starter := &app.Starter{Name: app.StarterName, FullName: "Tiny", File: "tiny.gguf", Data: func() []byte { return data }}
	cfg := &config.Config{Dirs: config.Dirs{Home: home, Cache: filepath.Join(home, "cache")}}
	return app.New(app.IO{In: strings.NewReader(""), Out: out, Err: log}, cfg, starter)
}

// addKey makes a key as `holdfast keys add` does.
func addKey(t *testing.T, home, name string, flags ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Run(t.Context(), append([]string{"keys", "add", name}, flags...), appIn(t, home, &out, &errs)); code != OK {
		t.Fatalf("keys add: %d %s", code, errs.String())
	}
	return strings.TrimSpace(out.String())
}

var serveAddress = regexp.MustCompile(`(?m)^OpenAI +(https?://.*)/v1$`)

// startServe runs serve until the test ends it.
func startServe(t *testing.T, home string, flags ...string) *serving {
	t.Helper()
	s := &serving{out: &lockedBuffer{}, log: &lockedBuffer{}, client: http.DefaultClient}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan Code, 1)
	a := appIn(t, home, s.out, s.log)
	go func() {
		ended <- Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--context", "256", "--parallel", "2", "--threads", "1"}, flags...), a)
	}()
	var once sync.Once
	var code Code
	s.stop = func() Code {
		once.Do(func() { cancel(); code = <-ended })
		return code
	}
	t.Cleanup(func() { s.stop() })
	for end := time.Now().Add(20 * time.Second); s.base == ""; time.Sleep(5 * time.Millisecond) {
		if m := serveAddress.FindStringSubmatch(s.out.String()); m != nil {
			s.base = m[1]
		}
		if time.Now().After(end) || len(ended) > 0 {
			t.Fatalf("serve does not come up: %s %s", s.out, s.log)
		}
	}
	return s
}

// ask sends a request with headers given as "Name: value" and returns status
// and body.
func (s *serving) ask(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := s.client.Do(r)
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

const (
	completionBody = `{"model":"starter","prompt":"Why is the sea salty?","max_tokens":3}`
	messagesBody   = `{"model":"starter","max_tokens":3,"messages":[{"role":"user","content":"Why is the sea salty?"}]}`
)

// TestServeSpeaksAllDialects asks each API once and reads what was counted.
func TestServeSpeaksAllDialects(t *testing.T) {
	s := startServe(t, t.TempDir())
	f := func(method, path, body, want string, headers ...string) {
		t.Helper()
		code, text := s.ask(t, method, path, body, headers...)
		if code != 200 || !strings.Contains(text, want) {
			t.Errorf("%s %s: %d %s", method, path, code, text)
		}
	}
	f("GET", "/v1/models", "", `"id":"starter"`)
	f("GET", "/v1/models", "", `"display_name"`, "anthropic-version: 2023-06-01")
	f("POST", "/v1/completions", completionBody, `"completion_tokens":3`)
	f("POST", "/v1/completions", strings.Replace(completionBody, "starter", "deepseek-chat", 1), `"prompt_cache_hit_tokens"`)
	f("GET", "/models", "", `"owned_by"`)
	f("GET", "/user/balance", "", `"is_available":true`)
	f("GET", "/api/tags", "", `"models"`)
	f("GET", "/api/version", "", `"version"`)
	f("GET", "/healthz", "", `"ok"`)
	f("GET", "/readyz", "", `"ok"`)
	f("GET", "/metrics", "", `holdfast_generation_tokens_total{model_name="starter"} 6`)
	f("GET", "/metrics", "", `holdfast_http_requests_total{route="POST /v1/completions",status="200"} 2`)
	for _, want := range []string{"serving   starter", "Anthropic http://127.0.0.1:", "DeepSeek ", "Ollama ", "keys      not needed: only programs of this machine", "2 requests of 256 tokens", "nothing is kept of prompts"} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("the start does not say %q:\n%s", want, s.out)
		}
	}
	if code := s.stop(); code != OK {
		t.Errorf("code %d: %s", code, s.log)
	}
	for _, want := range []string{`"model":"starter","prompt_tokens":`, `"completion_tokens":3`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, s.log)
		}
	}
}

// TestServeWithKeys checks keys and limits in each dialect's shape, that changes
// count at once, and that the use is on record after the end.
func TestServeWithKeys(t *testing.T) {
	home := t.TempDir()
	key := addKey(t, home, "ann")
	poor := addKey(t, home, "poor", "--balance", "0")
	rare := addKey(t, home, "rare", "--requests-per-minute", "1")
	s := startServe(t, home, "--require-key")
	f := func(path, body, key string, status int, want string) {
		t.Helper()
		headers := []string{"Authorization: Bearer " + key}
		if key == "" {
			headers = nil
		}
		if code, text := s.ask(t, "POST", path, body, headers...); code != status || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	f("/v1/completions", completionBody, "", 401, "invalid_api_key")
	f("/v1/completions", completionBody, "sk-hf-WRONG", 401, "invalid_api_key")
	f("/v1/messages", messagesBody, "", 401, "authentication_error")
	f("/api/generate", `{"model":"starter","prompt":"x"}`, "", 401, "key")
	f("/v1/completions", completionBody, key, 200, "usage")
	f("/v1/completions", completionBody, rare, 200, "usage")
	f("/v1/completions", completionBody, rare, 429, "rate_limit_exceeded")
	f("/v1/messages", messagesBody, rare, 429, "rate_limit_error")
	f("/beta/completions", completionBody, poor, 402, "Insufficient Balance")
	f("/v1/messages", messagesBody, poor, 402, "billing_error")
	f("/api/pull", `{"model":"x"}`, key, 403, "manage")
	if code, text := s.ask(t, "GET", "/user/balance", "", "Authorization: Bearer "+poor); code != 200 || !strings.Contains(text, `"is_available":false`) {
		t.Errorf("balance: %d %s", code, text)
	}
	if code := Run(t.Context(), []string{"keys", "revoke", "ann"}, appIn(t, home, io.Discard, io.Discard)); code != OK {
		t.Fatal(code)
	}
	f("/v1/completions", completionBody, key, 401, "revoked")
	s.stop()
	st, err := store.Open(filepath.Join(home, "holdfast.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rows, err := st.Usage(t.Context(), store.Query{Key: "ann"})
	if err != nil || len(rows) != 1 || rows[0].Requests != 1 || rows[0].Completion != 3 || rows[0].Model != "starter" {
		t.Errorf("%+v %v", rows, err)
	}
	if log := s.log.String(); strings.Contains(log, key) || strings.Contains(log, poor) {
		t.Error("the log holds a key")
	}
}

// TestServeNeedsKeys checks that an open address without keys is refused.
func TestServeNeedsKeys(t *testing.T) {
	f := func(want string, flags ...string) {
		t.Helper()
		var errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if code := Run(ctx, append([]string{"serve"}, flags...), appIn(t, t.TempDir(), io.Discard, &errs)); code != Usage || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: %d %s", flags, code, errs.String())
		}
	}
	f("holdfast keys add NAME", "--listen", "0.0.0.0:0")
	f("--require-key asks for keys, and there are none", "--require-key")
	f("--otlp-endpoint", "--otlp-endpoint", "nonsense")
	f(`--body-limit is "x"`, "--body-limit", "x")
	f("--tls-cert and --tls-key belong together", "--tls-cert", "x")
}

// TestServeTLS serves https with a certificate of its own.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, pool := selfSigned(t, dir)
	s := startServe(t, dir, "--tls-cert", cert, "--tls-key", key)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if code, text := s.ask(t, "GET", "/healthz", ""); code != 200 || !strings.HasPrefix(s.base, "https://") {
		t.Errorf("%s: %d %s", s.base, code, text)
	}
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}}
	if resp, err := s.client.Get(s.base + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func selfSigned(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), pool
}

// TestServeKeepsPrompts checks that what was computed outlives the server.
func TestServeKeepsPrompts(t *testing.T) {
	home := t.TempDir()
	cache := filepath.Join(home, "kept")
	body := `{"model":"starter","prompt":"` + strings.Repeat("salt ", 40) + `","max_tokens":2}`
	cached := func() string {
		s := startServe(t, home, "--disk-cache", cache, "--disk-cache-size", "64MiB")
		code, text := s.ask(t, "POST", "/v1/completions", body)
		if code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		if !strings.Contains(s.out.String(), "up to 64.0 MiB of prompts are kept in "+cache) {
			t.Errorf("the start: %s", s.out)
		}
		s.stop()
		return regexp.MustCompile(`"cached_tokens":\d+`).FindString(text)
	}
	if first := cached(); first != `"cached_tokens":0` {
		t.Errorf("first: %s", first)
	}
	if second := cached(); second == `"cached_tokens":0` || second == "" {
		t.Errorf("after a restart: %s", second)
	}
}

// TestDocsNameFlagsThatExist checks the flags in the documents about serve and keys.
func TestDocsNameFlagsThatExist(t *testing.T) {
	known := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(app.New(app.IO{}, &config.Config{}, nil)))
	for _, doc := range []string{"serve.md", "keys.md"} {
		b, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs", doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("[` ]--([a-z][a-z-]+)").FindAllStringSubmatch(string(b), -1) {
			if !known[m[1]] {
				t.Errorf("%s: there is no flag --%s", doc, m[1])
			}
		}
	}
}

// TestEveryFlagOfServeIsASetting checks that nothing can be given on the
// command line only.
func TestEveryFlagOfServeIsASetting(t *testing.T) {
	settings := map[string]bool{}
	for _, s := range config.Settings {
		settings[s.Flag()] = true
	}
	newServe(app.New(app.IO{}, &config.Config{}, nil)).Flags().VisitAll(func(f *pflag.Flag) {
		if !settings[f.Name] && f.Name != "help" {
			t.Errorf("--%s is no setting", f.Name)
		}
	})
}
