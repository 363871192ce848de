package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A load is what is asked of a server at once.
type load struct {
	url, model, key        string
	streams, tokens, words int
	round                  int
	chat, ignoreEnd        bool
}

// A result is one measurement.
type result struct {
	Server          string  `json:"server"`
	Streams         int     `json:"streams"`
	Tokens          int     `json:"tokens"`            // of all streams
	TokensPerSecond float64 `json:"tokens_per_second"` // of all streams, from the first request to the last token
	DecodePerSecond float64 `json:"decode_per_second"` // from the last first token on: all streams answer
	FirstMS         float64 `json:"first_ms"`          // the median time to the first token
	P50MS           float64 `json:"p50_ms"`            // between tokens, of all streams
	P95MS           float64 `json:"p95_ms"`
}

// A stream is one answer as it came.
type stream struct {
	arrivals []time.Time // of pieces with text
	tokens   int
	err      error
}

var words = strings.Fields(`river stone light under morning paper glass winter engine garden silver
mountain letter window harbor copper forest signal thunder basket`)

// prompt is a text that no other stream or round has, so that no cache helps.
func (l *load) prompt(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Story %d of %d:", i+1+l.streams*100, l.round+1)
	for k := range l.words {
		b.WriteString(" " + words[(k*(i+3)+l.round+l.streams)%len(words)])
	}
	return b.String()
}

func (l *load) body(i int) ([]byte, error) {
	m := map[string]any{
		"max_tokens": l.tokens, "temperature": 0, "stream": true, "stream_options": map[string]any{"include_usage": true},
	}
	if l.model != "" {
		m["model"] = l.model
	}
	if l.ignoreEnd {
		m["ignore_eos"] = true
	}
	if l.chat {
		m["messages"] = []map[string]string{{"role": "user", "content": l.prompt(i)}}
	} else {
		m["prompt"] = l.prompt(i)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return b, nil
}

// measure asks for all streams at once.
func (l *load) measure(ctx context.Context) (*result, error) {
	all := make([]stream, l.streams)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.streams}}
	defer client.CloseIdleConnections()
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i].err = l.ask(ctx, client, i, &all[i]) })
	}
	wg.Wait()
	return l.sum(begin, all)
}

func (l *load) sum(begin time.Time, all []stream) (*result, error) {
	m := &result{}
	var firsts, gaps []float64
	var end, together time.Time
	for i := range all {
		s := &all[i]
		if s.err != nil {
			return nil, s.err
		}
		if len(s.arrivals) == 0 {
			return nil, fmt.Errorf("stream %d has no tokens", i)
		}
		m.Tokens += s.tokens
		firsts = append(firsts, ms(s.arrivals[0].Sub(begin)))
		for k := 1; k < len(s.arrivals); k++ {
			gaps = append(gaps, ms(s.arrivals[k].Sub(s.arrivals[k-1])))
		}
		end = later(end, s.arrivals[len(s.arrivals)-1])
		together = later(together, s.arrivals[0])
	}
	m.TokensPerSecond = float64(m.Tokens) / end.Sub(begin).Seconds()
	late := 0
	for i := range all {
		for _, at := range all[i].arrivals {
			if at.After(together) {
				late++
			}
		}
	}
	if d := end.Sub(together).Seconds(); d > 0 {
		m.DecodePerSecond = float64(late) / d
	}
	m.FirstMS, m.P50MS, m.P95MS = quantile(firsts, 0.5), quantile(gaps, 0.5), quantile(gaps, 0.95)
	return m, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile sorts the values and picks one.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

// ask reads one answer.
func (l *load) ask(ctx context.Context, c *http.Client, i int, s *stream) error {
	body, err := l.body(i)
	if err != nil {
		return err
	}
	path := "/v1/completions"
	if l.chat {
		path = "/v1/chat/completions"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if l.key != "" {
		r.Header.Set("Authorization", "Bearer "+l.key)
	}
	resp, err := c.Do(r)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return s.read(resp.Body)
}

// A chunk is what is read of a piece of an answer.
type chunk struct {
	Choices []struct {
		Text  string
		Delta struct {
			Content   string
			Reasoning string `json:"reasoning_content"`
		}
	}
	Usage *struct {
		Completion int `json:"completion_tokens"`
	}
}

// read notes when text arrives. The number of tokens is the server's own, or that
// of the pieces where it says none.
func (s *stream) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return fmt.Errorf("a piece that is no JSON: %w", err)
		}
		for _, x := range c.Choices {
			if x.Text+x.Delta.Content+x.Delta.Reasoning != "" {
				s.arrivals = append(s.arrivals, time.Now())
			}
		}
		if c.Usage != nil {
			s.tokens = c.Usage.Completion
		}
	}
	if s.tokens == 0 {
		s.tokens = len(s.arrivals)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}
