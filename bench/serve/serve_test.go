package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestMeasure measures a server whose speed is known.
func TestMeasure(t *testing.T) {
	var asked, at atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Prompt string
			Max    int `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/v1/completions" || q.Prompt == "" {
			t.Errorf("%s %v", r.URL, err)
		}
		asked.Add(1)
		for range q.Max {
			time.Sleep(2 * time.Millisecond)
			at.Add(1)
			fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"x\"}]}\n\n")
			w.(http.Flusher).Flush()
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", q.Max)
	}))
	defer h.Close()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-streams", "1,3", "-tokens", "10", "-rounds", "2", "-json", "x=" + h.URL + "/"}, &out); err != nil {
		t.Fatal(err)
	}
	var got []result
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 2 || asked.Load() != 8 || got[0].Tokens != 10 || got[1].Tokens != 30 || got[1].Streams != 3 || at.Load() != 80 {
		t.Fatalf("%d requests, %+v", asked.Load(), got)
	}
	for _, r := range got {
		if r.P50MS < 1.5 || r.P95MS < r.P50MS || r.FirstMS < 1.5 || r.TokensPerSecond > float64(r.Streams)*600 || r.TokensPerSecond <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	f("no server")
	f("NAME=URL", "http://x")
	f("-streams", "-streams", "1,0", "a=http://x")
}
