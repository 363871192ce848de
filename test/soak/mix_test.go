package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A kind is one sort of request.
type kind struct {
	path, body string
	wrong      bool // it deserves a 4xx
	stream     bool // "stream" can be set
}

const (
	tool       = `{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":9}},"required":["a"],"additionalProperties":false}}}`
	schemaJSON = `{"type":"object","properties":{"a":{"enum":["x","y"]},"b":{"type":"boolean"}},"required":["a","b"],"additionalProperties":false}`
)

// kinds are the requests of the mix; MODEL, TEXT and N are filled in.
var kinds = []kind{
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"max_tokens":N}`, false, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"TEXT"}],"max_tokens":N,"tools":[` + tool + `],"tool_choice":"required"}`, false, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"max_tokens":N,"tools":[` + tool + `]}`, false, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"max_tokens":N,"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":` + schemaJSON + `}}}`, false, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"max_tokens":N,"n":3,"logprobs":true,"top_logprobs":2}`, false, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":"TEXT"}`, true, false},
	{"/v1/chat/completions", `{"model":"no-such-model","messages":[{"role":"user","content":"TEXT"}]}`, true, true},
	{"/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":`, true, false},
	{"/v1/completions", `{"model":"MODEL","prompt":"TEXT","max_tokens":N,"stop":["zq"]}`, false, true},
	{"/v1/responses", `{"model":"MODEL","input":"TEXT","max_output_tokens":N}`, false, true},
	{"/v1/responses", `{"model":"MODEL","input":"TEXT","max_output_tokens":N,"store":false,"text":{"format":{"type":"json_schema","name":"s","schema":` + schemaJSON + `}}}`, false, true},
	{"/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"max_tokens":N,"user_id":"u"}`, false, true},
	{"/beta/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"},{"role":"assistant","content":"Well","prefix":true}],"max_tokens":N}`, false, true},
	{"/v1/messages", `{"model":"MODEL","max_tokens":N,"messages":[{"role":"user","content":"TEXT"}]}`, false, true},
	{"/anthropic/v1/messages", `{"model":"MODEL","max_tokens":N,"messages":[{"role":"user","content":"TEXT"}],"tools":[{"name":"f","input_schema":` + schemaJSON + `}],"tool_choice":{"type":"any"}}`, false, true},
	{"/v1/messages", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}]}`, true, true},
	{"/api/chat", `{"model":"MODEL","messages":[{"role":"user","content":"TEXT"}],"options":{"num_predict":N}}`, false, true},
	{"/api/generate", `{"model":"MODEL","prompt":"TEXT","format":` + schemaJSON + `,"options":{"num_predict":N}}`, false, true},
	{"/api/generate", `{"model":"MODEL","prompt":"TEXT","options":{"num_predict":"many"}}`, true, true},
	{"/v1/models", ``, false, false},
	{"/api/tags", ``, false, false},
}

// A mix sends requests, and counts what came back.
type mix struct {
	t      testing.TB
	url    string
	models []string
	client *http.Client

	whole, left, refused, busy atomic.Int64
}

// send sends n requests, some at a time. The same seed sends the same ones.
func (m *mix) send(n, atOnce int, seed uint64) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && !m.t.Failed(); i = next.Add(1) {
				m.one(rand.New(rand.NewPCG(seed, uint64(i))))
			}
		})
	}
	wg.Wait()
	m.client.CloseIdleConnections()
}

// one sends a request. Every third client leaves before the end.
func (m *mix) one(r *rand.Rand) {
	k := kinds[r.IntN(len(kinds))]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	leaves := r.IntN(3) == 0
	if leaves && r.IntN(2) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(30))*time.Millisecond)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+k.path, bytes.NewReader(m.fill(&k, r)))
	if err != nil {
		m.t.Error(err)
		return
	}
	if k.body == "" {
		req.Method, req.Body = http.MethodGet, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	resp, err := m.client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			m.t.Errorf("%s: %v", k.path, err)
		}
		m.left.Add(1)
		return
	}
	defer resp.Body.Close()
	if leaves {
		_, _ = io.CopyN(io.Discard, resp.Body, int64(r.IntN(400)))
		m.left.Add(1)
		return
	}
	body, err := io.ReadAll(resp.Body)
	m.judge(&k, resp, body, err)
}

// fill makes a body: some prompts are shared, some are new, a few are long.
func (m *mix) fill(k *kind, r *rand.Rand) []byte {
	text := fmt.Sprintf("Question %d? ", r.IntN(50))
	if r.IntN(8) == 0 {
		text = strings.Repeat(text, 20)
	}
	s := strings.NewReplacer("MODEL", m.models[r.IntN(len(m.models))], "TEXT", text, "N", fmt.Sprint(1+r.IntN(24))).Replace(k.body)
	if k.stream && !strings.HasSuffix(s, ":") {
		s = strings.TrimSuffix(s, "}") + fmt.Sprintf(`,"stream":%v}`, r.IntN(2) == 0)
	}
	return []byte(s)
}

func (m *mix) judge(k *kind, resp *http.Response, body []byte, err error) {
	switch {
	case err != nil:
		m.t.Errorf("%s: %v", k.path, err)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == 529 || resp.StatusCode == http.StatusServiceUnavailable:
		m.busy.Add(1)
	case k.wrong != (resp.StatusCode >= 400 && resp.StatusCode < 500) || resp.StatusCode >= 500:
		m.t.Errorf("%s: %s\n%s\n%.500s", k.path, resp.Status, k.body, body)
	case k.wrong:
		m.refused.Add(1)
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && !json.Valid(body):
		m.t.Errorf("%s: no JSON: %.500s", k.path, body)
	default:
		m.whole.Add(1)
	}
}

var errStay = errors.New("it does not happen")

// eventually waits for something that happens soon, and says what is missing.
func eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	err := errStay
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && err != nil; {
		if err = ok(); err != nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
