package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// serving starts a server with OpenAI's API on a model, over TCP.
func serving(b *testing.B, m *servertest.Model) (addr string, models *library.Manager) {
	b.Helper()
	models = servertest.Manager(b, golden.ModuleRoot(b), map[string]*servertest.Model{"m": m}, library.Options{})
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"}, openai.New(server.Guard(models), openai.Options{}))
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // clients that are left are cut off
		_ = s.Shutdown(ctx)
	})
	return l.Addr().String(), models
}

const streamBody = `{"model":"m","stream":true,"max_tokens":%d,"messages":[{"role":"user","content":"Why is the sea salty?"}]}`

// BenchmarkIdleStreams reports what a stream costs that waits for its turn,
// with everything that belongs to it: connection, request, answer, timers.
// The clients are bare connections, which Go's heap hardly sees.
func BenchmarkIdleStreams(b *testing.B) {
	const clients = 500
	for b.Loop() {
		addr, _ := serving(b, &servertest.Model{Answer: "Salt.", Endless: true, Delay: 2 * time.Second, Queue: 2 * clients})
		before := inUse()
		conns := make([]net.Conn, clients)
		for i := range conns {
			conns[i] = ask(b, addr, fmt.Sprintf(streamBody, 100))
		}
		b.ReportMetric(float64(inUse()-before)/(1<<20), "MiB/500-streams")
		for _, c := range conns {
			c.Close()
		}
	}
}

// ask sends a request and waits for the head of its answer.
func ask(b *testing.B, addr, body string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	head := make([]byte, 12)
	if _, err := c.Read(head); err != nil || string(head) != "HTTP/1.1 200" {
		b.Fatalf("%q %v", head, err)
	}
	return c
}

// inUse returns the bytes of heap and stacks after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapInuse + s.StackInuse)
}

// BenchmarkToken reports the time of a token through HTTP and without: the
// difference is what the server adds. The model takes no time.
func BenchmarkToken(b *testing.B) {
	const tokens = 4000
	model := func() *servertest.Model { return &servertest.Model{Answer: "Salt.", Endless: true, Context: 8192} }
	b.Run("http", func(b *testing.B) {
		addr, _ := serving(b, model())
		body := fmt.Sprintf(streamBody, tokens)
		for b.Loop() {
			resp, err := http.Post("http://"+addr+"/v1/chat/completions", "application/json", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for s := bufio.NewScanner(resp.Body); s.Scan(); {
				if strings.HasPrefix(s.Text(), "data: ") {
					n++
				}
			}
			resp.Body.Close()
			if n < tokens/2 {
				b.Fatalf("%d events", n)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/tokens, "us/token")
	})
	b.Run("direct", func(b *testing.B) {
		_, models := serving(b, model())
		for b.Loop() {
			l, err := models.Acquire(b.Context(), "m")
			if err != nil {
				b.Fatal(err)
			}
			r := &chat.Request{Messages: []chat.Message{{Role: chat.User, Content: []chat.Part{{Text: "Why is the sea salty?"}}}}}
			a, err := l.Chat(b.Context(), r, llm.Options{MaxTokens: tokens})
			if err != nil {
				b.Fatal(err)
			}
			for range a.Events() { // only the time counts
			}
			l.Release()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/tokens, "us/token")
	})
}
