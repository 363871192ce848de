package deepseekapi

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// resolved is what a golden request comes to.
type resolved struct {
	Temperature, TopP float64
	MaxTokens         int
	Thinking          bool
	Effort            string
	Tools             bool
	Stop              []string
	Constraint        string
	Logprobs          bool
	TopLogprobs       *int
	Stream            bool
}

func TestGoldenRequests(t *testing.T) {
	var f struct {
		Cases []struct {
			Model       string
			Request     json.RawMessage
			Status      int
			Error       json.RawMessage
			Temperature float64
			TopP        float64 `json:"top_p"`
			MaxTokens   int     `json:"max_tokens"`
			Thinking    bool
			Effort      string
			Tools       bool `json:"parse_tool_calls"`
			Stop        []string
			Constraint  string
			Logprobs    bool
			TopLogprobs *int `json:"top_logprobs"`
			Stream      bool
		}
	}
	data, err := os.ReadFile(filepath.Join(golden.Dir(t, "prompts"), "dialect", "api-chat-completions.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		o := Options{}
		if c.Model == "DeepSeek-V4.1-Flash" {
			o.Version = V41
		}
		r, bad := Decode(c.Request, o)
		if c.Status != 200 {
			checkError(t, string(c.Request), bad, c.Status, c.Error)
			continue
		}
		if bad != nil {
			t.Errorf("%s %.300s: %v", c.Model, c.Request, bad)
			continue
		}
		tokens, bad := r.ResolveMaxTokens(10, 1048576)
		if bad != nil {
			t.Errorf("%.300s: %v", c.Request, bad)
		}
		got := resolved{round(r.Temperature), round(r.TopP), tokens, r.Thinking, r.Effort, r.Tools, append([]string{}, r.Chat.Stop...), r.Constraint, r.Logprobs, r.TopLogprobs, r.Stream}
		want := resolved{c.Temperature, c.TopP, c.MaxTokens, c.Thinking, c.Effort, c.Tools, c.Stop, c.Constraint, c.Logprobs, c.TopLogprobs, c.Stream}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %.300s: (-want +got)\n%s", c.Model, c.Request, diff)
		}
	}
	golden.Report(t, "API requests", len(f.Cases))
}

func checkError(t *testing.T, request string, bad *Error, status int, want json.RawMessage) {
	t.Helper()
	if bad == nil || bad.Status != status {
		t.Errorf("%.300s: got %v, want status %d", request, bad, status)
		return
	}
	if status == 422 {
		return
	}
	got, err := json.Marshal(bad.Body()["error"])
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("%.300s: (-want +got)\n%s", request, diff)
	}
}

func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
