package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// testAPI has an address for each thing that can happen.
type testAPI struct{ handle Handler }

func (a testAPI) Register(r *Router) {
	r.Zone("/")
	r.Handle("POST /echo", func(w http.ResponseWriter, r *http.Request) error {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		return WriteJSON(w, 200, string(b))
	})
	r.Handle("GET /who", func(w http.ResponseWriter, r *http.Request) error { return WriteJSON(w, 200, Who(r.Context()).Name) })
	r.HandleOpen("GET /open", func(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, 200, "open") })
	r.Handle("GET /panic", func(http.ResponseWriter, *http.Request) error { panic("secret") })
	r.Handle("GET /fail", func(http.ResponseWriter, *http.Request) error { return errors.New("secret") })
	r.Handle("GET /item/{id}", func(w http.ResponseWriter, r *http.Request) error { return WriteJSON(w, 200, r.PathValue("id")) })
	if a.handle != nil {
		r.Handle("GET /custom", a.handle)
	}
}

func (testAPI) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) {
	SetHeaders(w.Header(), e)
	_ = WriteJSON(w, e.Status(), map[string]string{"code": e.Code(), "message": e.Message})
}

func newServer(t *testing.T, cfg Config, h Handler) *Server {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:11435"
	}
	s, err := New(cfg, testAPI{h})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request with headers given as "Name: value".
func ask(s http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:11435"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestHostAndOrigin(t *testing.T) {
	s := newServer(t, Config{AllowOrigins: []string{"https://chat.example.com"}, AllowHosts: []string{"box.lan"}}, nil)
	f := func(want int, headers ...string) {
		t.Helper()
		if w := ask(s, "GET", "/who", "", headers...); w.Code != want {
			t.Errorf("%v: %d, want %d: %s", headers, w.Code, want, w.Body)
		}
	}
	f(200, "Host: localhost:11435")
	f(200, "Host: LOCALHOST")
	f(200, "Host: localhost.:11435")
	f(200, "Host: app.localhost:11435")
	f(200, "Host: 127.1.2.3:11435")
	f(200, "Host: [::1]:11435")
	f(200, "Host: box.lan")
	f(403, "Host: evil.example.com:11435") // DNS rebinding
	f(403, "Host: localhost.evil.example.com")
	f(403, "Host: 10.0.0.5:11435")
	f(403, "Host: ")
	f(200, "Origin: http://127.0.0.1:11435") // our own page
	f(200, "Origin: https://chat.example.com")
	f(403, "Origin: https://evil.example.com")
	f(403, "Origin: http://localhost:3000")
	f(403, "Origin: null")
	f(403, "Sec-Fetch-Site: cross-site")
	f(200, "Sec-Fetch-Site: same-origin")
	if w := ask(s, "OPTIONS", "/echo", "", "Origin: https://chat.example.com", "Access-Control-Request-Method: POST"); w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "https://chat.example.com" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(s, "OPTIONS", "/echo", "", "Origin: https://evil.example.com", "Access-Control-Request-Method: POST"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of a stranger: %d %v", w.Code, w.Header())
	}
}

func TestKeys(t *testing.T) {
	s := newServer(t, Config{Listen: "0.0.0.0:80", Auth: NewFixedKey("sesame")}, nil)
	f := func(want int, path string, headers ...string) {
		t.Helper()
		if w := ask(s, "GET", path, "", headers...); w.Code != want {
			t.Errorf("%s %v: %d, want %d: %s", path, headers, w.Code, want, w.Body)
		}
	}
	f(200, "/who", "Authorization: Bearer sesame")
	f(200, "/who", "Authorization: bearer sesame", "Host: any.example.com")
	f(200, "/who", "X-Api-Key: sesame")
	f(401, "/who")
	f(401, "/who", "Authorization: Bearer sesam")
	f(401, "/who", "Authorization: Bearer sesame2")
	f(401, "/who", "Authorization: Basic sesame")
	f(401, "/nothing") // what exists is nobody's business without a key
	f(404, "/nothing", "X-Api-Key: sesame")
	f(200, "/open")
	if w := ask(s, "GET", "/who", ""); w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v", w.Header())
	}
	if _, err := New(Config{Listen: "0.0.0.0:80"}); err == nil {
		t.Error("an open server on all addresses")
	}
	for _, addr := range []string{":80", "192.168.1.5:80", "[::]:80", "example.com:80", ""} {
		if IsLoopback(addr) {
			t.Errorf("%q is no loopback address", addr)
		}
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Config{Log: slog.New(slog.NewJSONHandler(&log, nil))}, nil)
	f := func(path string, want int, code string) {
		t.Helper()
		w := ask(s, "GET", path, "")
		if w.Code != want || !strings.Contains(w.Body.String(), code) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	f("/panic", 500, "internal_error")
	f("/fail", 500, "internal_error")
	f("/echo", 405, "method_not_allowed")
	f("/item/a%2Fb", 200, "a/b")
	if !strings.Contains(log.String(), "secret") {
		t.Error("the log does not say why")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(log.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if w := ask(s, "GET", "/who", "", "X-Request-Id: abc-1"); w.Header().Get("X-Request-Id") != "abc-1" {
		t.Errorf("%v", w.Header())
	}
	if w := ask(s, "GET", "/who", "", "X-Request-Id: a\"b"); !strings.HasPrefix(w.Header().Get("X-Request-Id"), "req_") {
		t.Errorf("%v", w.Header())
	}
}

func TestBodyLimit(t *testing.T) {
	s := newServer(t, Config{BodyLimit: 10}, nil)
	if w := ask(s, "POST", "/echo", "0123456789"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, "POST", "/echo", "0123456789x"); w.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestInFlightLimit(t *testing.T) {
	enter, leave := make(chan int), make(chan int)
	s := newServer(t, Config{MaxInFlight: 1}, func(w http.ResponseWriter, _ *http.Request) error {
		enter <- 1
		<-leave
		return WriteJSON(w, 200, "ok")
	})
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- ask(s, "GET", "/custom", "") }()
	<-enter
	if w := ask(s, "GET", "/who", ""); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(s, "GET", "/open", ""); w.Code != 200 {
		t.Errorf("a health check: %d", w.Code)
	}
	leave <- 1
	if w := <-done; w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	if w := ask(s, "GET", "/who", ""); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// listening starts a server on a port.
func listening(t *testing.T, s *Server) (url string, ended chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return "http://" + l.Addr().String(), ended
}

func TestDrain(t *testing.T) {
	enter, leave := make(chan int), make(chan int)
	s := newServer(t, Config{}, func(w http.ResponseWriter, _ *http.Request) error {
		enter <- 1
		<-leave
		return WriteJSON(w, 200, "ok")
	})
	url, ended := listening(t, s)
	got := make(chan string)
	go func() {
		resp, err := http.Get(url + "/custom")
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		got <- string(b)
	}()
	<-enter
	down := make(chan error)
	go func() { down <- s.Shutdown(context.Background()) }()
	for !s.Draining() {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-down:
		t.Fatalf("down with an answer in the making: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	leave <- 1
	if text := <-got; text != "\"ok\"\n" {
		t.Errorf("the answer is %q", text)
	}
	if err := errors.Join(<-down, <-ended); err != nil {
		t.Error(err)
	}
}

func TestDrainEnds(t *testing.T) {
	enter := make(chan int)
	s := newServer(t, Config{}, func(_ http.ResponseWriter, r *http.Request) error {
		enter <- 1
		<-r.Context().Done()
		return r.Context().Err()
	})
	url, ended := listening(t, s)
	go func() {
		if resp, err := http.Get(url + "/custom"); err == nil {
			resp.Body.Close()
		}
	}()
	<-enter
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer stop()
	if err := errors.Join(s.Shutdown(ctx), <-ended); err != nil {
		t.Error(err)
	}
}

// TestLongAnswersOutliveTheBodyTimeout guards against a read deadline that goes
// on ticking after the body: it would cancel the answer.
func TestLongAnswersOutliveTheBodyTimeout(t *testing.T) {
	s := newServer(t, Config{BodyTimeout: 30 * time.Millisecond}, nil)
	s.router = NewRouter(postAPI{})
	url, ended := listening(t, s)
	resp, err := http.Post(url+"/long", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "\"ok\"\n" {
		t.Errorf("%q", b)
	}
	if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
		t.Error(err)
	}
}

type postAPI struct{ testAPI }

func (postAPI) Register(r *Router) {
	r.Handle("POST /long", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := io.ReadAll(r.Body); err != nil {
			return err
		}
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-time.After(120 * time.Millisecond):
			return WriteJSON(w, 200, "ok")
		}
	})
}

// TestSlowHeaders checks that a client that dribbles is cut off.
func TestSlowHeaders(t *testing.T) {
	s := newServer(t, Config{HeaderTimeout: 30 * time.Millisecond}, nil)
	url, ended := listening(t, s)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /who HTTP/1.1\r\nHost: local")
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the connection stays open: %v", err)
	}
	if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
		t.Error(err)
	}
}

// TestSharedAddresses checks that two APIs can have the same address.
func TestSharedAddresses(t *testing.T) {
	s := newServer(t, Config{}, nil)
	s.router = NewRouter(shared{"a", nil}, shared{"b", func(r *http.Request) bool { return r.Header.Get("B") != "" }})
	if w := ask(s, "GET", "/x", ""); w.Body.String() != "\"a\"\n" {
		t.Errorf("%s", w.Body)
	}
	if w := ask(s, "GET", "/x", "", "B: 1"); w.Body.String() != "\"b\"\n" {
		t.Errorf("%s", w.Body)
	}
}

type shared struct {
	name string
	when func(*http.Request) bool
}

func (s shared) Register(r *Router) {
	h := func(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, 200, s.name) }
	if s.when == nil {
		r.Handle("GET /x", h)
		return
	}
	r.HandleWhen("GET /x", s.when, h)
}

func (shared) WriteError(http.ResponseWriter, *http.Request, *apierr.Error) {}

// TestNothingIsLeftBehind counts goroutines after servers have ended.
func TestNothingIsLeftBehind(t *testing.T) {
	count := func() int { return pprof.Lookup("goroutine").Count() }
	before := count()
	for range 5 {
		s := newServer(t, Config{}, nil)
		url, ended := listening(t, s)
		client := &http.Client{Transport: &http.Transport{}}
		resp, err := client.Get(url + "/who")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		client.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		if count() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, count())
}
