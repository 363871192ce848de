package openai

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

const streamed = `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"stream":true}`

// eventually waits for something that happens soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 6000 { // a minute: under the race detector on a busy machine everything is slow
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s did not happen", what)
}

func (s *site) running() (n int) {
	for _, i := range s.models.Running() {
		n += i.Stats.Running + i.Stats.Queued
	}
	return n
}

// TestClientGone checks that an answer ends when its client leaves.
func TestClientGone(t *testing.T) {
	m := &servertest.Model{Answer: "I go on", Endless: true, Delay: 2 * time.Millisecond}
	s := one(t, m)
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(streamed))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if s.running() != 1 {
		t.Errorf("%d answers run", s.running())
	}
	cancel()
	eventually(t, "the end of the answer", func() bool { return s.running() == 0 })
	eventually(t, "the release of the model", func() bool { return s.models.Running()[0].Users == 0 })
}

// TestClientGoneWithoutStream is the same for a client that waits for the whole.
func TestClientGoneWithoutStream(t *testing.T) {
	s := one(t, &servertest.Model{Endless: true, Answer: "I go on", Delay: 2 * time.Millisecond})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/completions", strings.NewReader(`{"model":"fake","prompt":"Why?","max_tokens":4000}`))
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("no error")
	}
	eventually(t, "the end of the answer", func() bool { return s.running() == 0 })
}

// TestSlowClient checks that a client that does not read is given up.
func TestSlowClient(t *testing.T) {
	m := &servertest.Model{Answer: "I go on", Endless: true, Context: 1 << 20}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{WriteTimeout: 50 * time.Millisecond}, library.Options{Context: 1 << 20})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(streamed), streamed)
	eventually(t, "the beginning of the answer", func() bool { return s.running() == 1 })
	eventually(t, "the end of the answer", func() bool { return s.running() == 0 })
}

// TestManyAtOnce checks that concurrent clients get whole answers of their own.
func TestManyAtOnce(t *testing.T) {
	m := &servertest.Model{Answer: "Salt comes from rocks, and rivers carry it."}
	s := one(t, m)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			resp, err := http.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(streamed))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if text := textOf(t, string(b)); text != m.Answer || !strings.HasSuffix(string(b), "data: [DONE]\n\n") {
				t.Errorf("got %q", text)
			}
		})
	}
	wg.Wait()
	if m.Loads() != 1 {
		t.Errorf("%d loads", m.Loads())
	}
}

// textOf joins the content of a stream.
func textOf(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.SplitSeq(body, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		for _, x := range c.Choices {
			if x.Delta.Content != nil {
				out.WriteString(*x.Delta.Content)
			}
		}
	}
	return out.String()
}

// TestHeartbeats checks that streams are not silent while the model thinks.
func TestHeartbeats(t *testing.T) {
	f := func(path, body, want string) {
		t.Helper()
		m := &servertest.Model{Answer: "ok", Delay: 100 * time.Millisecond}
		s := serve(t, map[string]*servertest.Model{"fake": m}, Options{Heartbeat: 20 * time.Millisecond}, library.Options{})
		_, got := s.post(t, path, body)
		if n := strings.Count(got, want); n < 3 {
			t.Errorf("%s: %d of %q in\n%s", path, n, want, got)
		}
	}
	f("/v1/chat/completions", streamed, ": keep-alive\n\n")
	f("/v1/completions", `{"model":"fake","prompt":"Why?","stream":true}`, ": keep-alive\n\n")
	f("/v1/responses", `{"model":"fake","input":"Why?","stream":true}`, "event: response.in_progress\n")
}

// TestResponsesAreNumbered checks the sequence numbers, heartbeats included.
func TestResponsesAreNumbered(t *testing.T) {
	m := &servertest.Model{Answer: "Salt.", Delay: 15 * time.Millisecond}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{Heartbeat: 10 * time.Millisecond}, library.Options{})
	_, body := s.post(t, "/v1/responses", `{"model":"fake","input":"Why?","stream":true}`)
	next := 0
	for line := range strings.SplitSeq(body, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e struct {
			N    int    `json:"sequence_number"`
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil || e.N != next {
			t.Fatalf("%d: %s (%v)", next, data, err)
		}
		next++
	}
	if next < 8 {
		t.Errorf("%d events:\n%s", next, body)
	}
}

// TestOverload checks what a client is told when the queue is full.
func TestOverload(t *testing.T) {
	m := &servertest.Model{Answer: "I go on", Endless: true, Delay: 5 * time.Millisecond, Queue: 1}
	s := one(t, m)
	var last *http.Response
	for range 64 {
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(streamed))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if last = resp; resp.StatusCode != http.StatusOK {
			break
		}
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") != "5" || last.Header.Get("X-Queue-Position") == "" {
		t.Errorf("%d %v", last.StatusCode, last.Header)
	}
}

// TestStoredResponses checks previous_response_id, and who may see what.
func TestStoredResponses(t *testing.T) {
	m := &servertest.Model{Answer: "Salt."}
	s := one(t, m)
	_, body := s.post(t, "/v1/responses", `{"model":"fake","input":"Why?","temperature":0}`)
	var first struct{ ID string }
	if err := json.Unmarshal([]byte(body), &first); err != nil {
		t.Fatal(err)
	}
	m.Next()
	count := func(body string) (n int) {
		t.Helper()
		_, got := s.post(t, "/v1/responses/input_tokens", body)
		if _, err := fmt.Sscanf(got, `{"object":"response.input_tokens","input_tokens":%d}`, &n); err != nil {
			t.Fatal(got)
		}
		return n
	}
	follow := count(`{"model":"fake","previous_response_id":"` + first.ID + `","input":"And?"}`)
	whole := count(`{"model":"fake","input":[{"role":"user","content":"Why?"},{"role":"assistant","content":"Salt."},{"role":"user","content":"And?"}]}`)
	if follow != whole {
		t.Errorf("%d tokens after the stored one, %d with the conversation itself", follow, whole)
	}
	resp, err := http.Get(s.URL + "/v1/responses/" + first.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); string(got) != body {
		t.Errorf("stored:\n%s, answered:\n%s", got, body)
	}
	_, body = s.post(t, "/v1/responses", `{"model":"fake","input":"Why?","store":false}`)
	if err := json.Unmarshal([]byte(body), &first); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.post(t, "/v1/responses", `{"model":"fake","previous_response_id":"`+first.ID+`","input":"And?"}`); status != 404 {
		t.Errorf("a response that was not to be stored: %d", status)
	}
}

// TestReasoningCannotBeSwitched checks a model that reasons whatever is asked.
func TestReasoningCannotBeSwitched(t *testing.T) {
	s := one(t, &servertest.Model{Template: servertest.Thinking, Answer: "</think>ok"})
	const ask = `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"reasoning_effort":"`
	if status, body := s.post(t, "/v1/chat/completions", ask+`none"}`); status != 400 || !strings.Contains(body, "'reasoning_effort' asks for no reasoning, but the model always reasons") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.post(t, "/v1/chat/completions", ask+`high"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

// TestInputItems checks the pages of what came before a response.
func TestInputItems(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "Salt."})
	_, body := s.post(t, "/v1/responses", `{"model":"fake","input":[{"role":"user","content":"Why?"},{"id":"mine","role":"assistant","content":"Salt."},{"role":"user","content":"And?"}]}`)
	var r struct{ ID string }
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	f := func(query, want string) {
		t.Helper()
		resp, err := http.Get(s.URL + "/v1/responses/" + r.ID + "/input_items" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, _ := io.ReadAll(resp.Body)
		if string(got) != want+"\n" {
			t.Errorf("%s: got %s want %s", query, got, want)
		}
	}
	why, and := `{"content":"Why?","id":"item_`+r.ID+`_0","role":"user"}`, `{"content":"And?","id":"item_`+r.ID+`_2","role":"user"}`
	salt := `{"id":"mine","role":"assistant","content":"Salt."}`
	f("", `{"object":"list","data":[`+and+`,`+salt+`,`+why+`],"first_id":"item_`+r.ID+`_2","last_id":"item_`+r.ID+`_0","has_more":false}`)
	f("?order=asc&limit=1", `{"object":"list","data":[`+why+`],"first_id":"item_`+r.ID+`_0","last_id":"item_`+r.ID+`_0","has_more":true}`)
	f("?after=mine", `{"object":"list","data":[`+why+`],"first_id":"item_`+r.ID+`_0","last_id":"item_`+r.ID+`_0","has_more":false}`)
	f("?after=item_"+r.ID+"_0", `{"object":"list","data":[],"first_id":"","last_id":"","has_more":false}`)
	f("?after=x", `{"error":{"message":"'after' is \"x\", which is no item of this response","type":"invalid_request_error","param":"after","code":"invalid_value"}}`)
	f("?limit=", `{"error":{"message":"'limit' is \"\", but must be a whole number from 1 to 100","type":"invalid_request_error","param":"limit","code":"invalid_value"}}`)
	f("?order=up", `{"error":{"message":"'order' is \"up\", but must be \"asc\" or \"desc\"","type":"invalid_request_error","param":"order","code":"invalid_value"}}`)
	f("?limit=0", `{"error":{"message":"'limit' is 0, but must be from 1 to 100","type":"invalid_request_error","param":"limit","code":"invalid_value"}}`)
	if status, _ := s.post(t, "/v1/responses/"+r.ID+"/cancel", `{}`); status != 400 {
		t.Errorf("cancel: %d", status)
	}
}

// TestSealedReasoning checks that reasoning that a client only keeps sealed is
// the same as reasoning that it shows.
func TestSealedReasoning(t *testing.T) {
	const text = "Hm, \x00 rivers – 食塩."
	if got, err := unseal(*seal(text)); err != nil || got != text {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "gAAAA", "hf1.!", "hf1._w"} {
		if got, err := unseal(bad); err == nil {
			t.Errorf("%q is %q", bad, got)
		}
	}
	f := func(item string) chat.Message {
		t.Helper()
		var tr transcript
		if err := tr.add(json.RawMessage(item), "input[0]"); err != nil || len(tr.messages) != 1 {
			t.Fatal(err)
		}
		return tr.messages[0]
	}
	shown := f(`{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]}`)
	hidden := f(`{"type":"reasoning","summary":[],"content":null,"encrypted_content":"` + *seal("Hm.") + `"}`)
	if d := cmp.Diff(shown, hidden); d != "" || shown.Reasoning != "Hm." {
		t.Error(d)
	}
}

func TestMemoryStoreIsBounded(t *testing.T) {
	m := NewMemoryStore(3, 1000)
	for i := range 10 {
		if err := m.Put(&Stored{ID: fmt.Sprint(i), Owner: "a", Response: json.RawMessage(strings.Repeat("x", 10*i))}); err != nil {
			t.Fatal(err)
		}
	}
	if m.order.Len() != 3 || len(m.byID) != 3 {
		t.Errorf("%d kept", m.order.Len())
	}
	if _, ok, _ := m.Get("9", "b"); ok {
		t.Error("another owner finds it")
	}
	if err := m.Put(&Stored{ID: "big", Response: json.RawMessage(strings.Repeat("x", 2000))}); err != nil || m.used != 0 {
		t.Errorf("%d bytes kept (%v)", m.used, err)
	}
}
