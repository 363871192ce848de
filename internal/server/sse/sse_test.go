package sse

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestEvents(t *testing.T) {
	w := httptest.NewRecorder()
	s := New(w, Options{Heartbeat: -1})
	if s.Started() {
		t.Error("started before the first event")
	}
	for _, err := range []error{s.Event("", map[string]string{"a": "<b>\n"}), s.Event("ping", 1), s.Text("[DONE]")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	want := "data: {\"a\":\"<b>\\n\"}\n\nevent: ping\ndata: 1\n\ndata: [DONE]\n\n"
	if got := w.Body.String(); got != want || w.Header().Get("Content-Type") != "text/event-stream" || !w.Flushed {
		t.Errorf("%q %v", got, w.Header())
	}
}

func TestLines(t *testing.T) {
	w := httptest.NewRecorder()
	s := New(w, Options{Heartbeat: -1, Lines: true})
	_ = s.Event("ignored", map[string]int{"n": 1})
	_ = s.Event("", 2)
	s.Close()
	if got := w.Body.String(); got != "{\"n\":1}\n2\n" || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%q %v", got, w.Header())
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		s := New(w, Options{Heartbeat: time.Second})
		time.Sleep(2500 * time.Millisecond) // 1, 2
		_ = s.Event("", 1)
		time.Sleep(900 * time.Millisecond) // an event counts as well
		_ = s.Event("", 2)
		time.Sleep(1500 * time.Millisecond) // 3
		s.Close()
		time.Sleep(5 * time.Second)
		want := ": keep-alive\n\n: keep-alive\n\ndata: 1\n\ndata: 2\n\n: keep-alive\n\n"
		if got := w.Body.String(); got != want {
			t.Errorf("%q", got)
		}
	})
}

// gone is a client that cannot be reached.
type gone struct{ httptest.ResponseRecorder }

var errGone = errors.New("gone")

func (g *gone) Write([]byte) (int, error) { return 0, errGone }

func TestErrorsStay(t *testing.T) {
	s := New(&gone{ResponseRecorder: *httptest.NewRecorder()}, Options{Heartbeat: -1})
	defer s.Close()
	for range 2 {
		if err := s.Event("", 1); !errors.Is(err, errGone) {
			t.Errorf("%v", err)
		}
	}
}

func TestHeaderBeforeAndAfter(t *testing.T) {
	w := httptest.NewRecorder()
	s := New(w, Options{Heartbeat: -1})
	defer s.Close()
	if !s.Header(func(h http.Header) { h.Set("X", "1") }) || s.Open() != nil {
		t.Error("not before the beginning")
	}
	if s.Header(func(http.Header) { t.Error("called") }) || w.Header().Get("X") != "1" {
		t.Error("after the beginning")
	}
}

func BenchmarkEvent(b *testing.B) {
	s := New(discard{http.Header{}}, Options{Heartbeat: -1})
	v := map[string]any{"id": "chatcmpl-1", "choices": []any{map[string]any{"delta": map[string]string{"content": " sea"}}}}
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Event("", v)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}
