package soak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/anthropic"
	"github.com/holdfast-llm/holdfast/internal/server/deepseek"
	"github.com/holdfast-llm/holdfast/internal/server/ollama"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// requests is how many a test sends.
func requests(t testing.TB, short int) int {
	s := os.Getenv("HOLDFAST_SOAK")
	if s == "" {
		return short
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("HOLDFAST_SOAK is %q, expected a number", s)
	}
	return n
}

// What must be as it was before.
type level struct {
	goroutines int
	heap       uint64
}

func measure() level {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return level{runtime.NumGoroutine(), m.HeapAlloc}
}

// TestSoak sends the mix to all dialects in this process.
func TestSoak(t *testing.T) {
	n := requests(t, 400)
	models := map[string]*servertest.Model{
		"plain":    {Answer: "Salt comes from rocks, and rivers carry it.", Endless: true},
		"thinking": {Template: servertest.Thinking, Answer: "Hm, rivers.\n</think>\n\nBy rivers.", Endless: true},
		"tools":    {Template: servertest.Tools, Answer: "</think>I look." + servertest.Calls("f", `{"a":1}`), Delay: time.Millisecond},
	}
	lib := servertest.Manager(t, golden.ModuleRoot(t), models, library.Options{})
	b := server.Guard(lib)
	ds := deepseek.New(b, deepseek.Options{})
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"},
		openai.New(b, openai.Options{Delegate: ds.Delegate}), anthropic.New(b, anthropic.Options{}), ds, ollama.New(b, ollama.Options{Library: lib}))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	m := &mix{t: t, url: h.URL, models: []string{"plain", "thinking", "tools"}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}

	m.send(max(200, n/10), 24, 1) // what is kept for good, such as stored responses, is there then
	idle(t, lib, h)
	before := measure()
	m.send(n, 24, 2)
	idle(t, lib, h)
	t.Logf("%d whole, %d left, %d refused, %d busy", m.whole.Load(), m.left.Load(), m.refused.Load(), m.busy.Load())
	if m.whole.Load() == 0 || m.left.Load() == 0 || m.refused.Load() == 0 {
		t.Error("a sort of requests is missing")
	}
	eventually(t, "goroutines end", func() error {
		if now := runtime.NumGoroutine(); now > before.goroutines+2 {
			return fmt.Errorf("%d run, %d before", now, before.goroutines)
		}
		return nil
	})
	const slack = 16 << 20 // of stored responses and tokens of answers, which are bounded
	if now := measure(); now.heap > before.heap+slack {
		t.Errorf("%d MiB on the heap, %d before", now.heap>>20, before.heap>>20)
	}
}

// idle waits until no request is left, and nothing that one held.
func idle(t *testing.T, lib *library.Manager, h *httptest.Server) {
	t.Helper()
	h.CloseClientConnections()
	eventually(t, "requests end", func() error {
		for _, i := range lib.Running() {
			c := i.Stats.Cache
			switch {
			case i.Users != 0 || i.Stats.Running != 0 || i.Stats.Queued != 0:
				return fmt.Errorf("%s: %d users, %d running, %d queued", i.Name, i.Users, i.Stats.Running, i.Stats.Queued)
			case c.Used != 0 || c.SlotsUsed != 0:
				return fmt.Errorf("%s: %d of %d blocks and %d slots are in use", i.Name, c.Used, c.Blocks, c.SlotsUsed)
			case c.Free+c.Cached != c.Blocks:
				return fmt.Errorf("%s: %d blocks are free and %d cached, of %d", i.Name, c.Free, c.Cached, c.Blocks)
			}
		}
		return nil
	})
}

// TestSoakURL sends the mix to a server that runs already.
func TestSoakURL(t *testing.T) {
	url := os.Getenv("HOLDFAST_SOAK_URL")
	if url == "" {
		t.Skip("HOLDFAST_SOAK_URL names no server")
	}
	m := &mix{t: t, url: url, models: []string{"starter"}, client: http.DefaultClient}
	m.send(requests(t, 200), 8, 3)
	t.Logf("%d whole, %d left, %d refused, %d busy", m.whole.Load(), m.left.Load(), m.refused.Load(), m.busy.Load())
}
