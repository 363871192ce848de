package dialect

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/deepseekapi"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

func goldenDir(t testing.TB, parts ...string) string {
	return filepath.Join(append([]string{golden.Dir(t, "prompts"), "dialect"}, parts...)...)
}

func readGolden(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// vocabulary opens a golden vocabulary. The project's own copy of the goldens
// has a selection of them; there it returns nil for the others, and ids are not
// compared.
func vocabulary(t testing.TB, name string) *tokenizer.Tokenizer {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(golden.Dir(t, "tokenizers"), name, "vocab.gguf.gz"))
	if errors.Is(err, os.ErrNotExist) && golden.Compact() {
		t.Logf("the vocabulary %s is not there: no ids are compared", name)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.OpenBytes(name, data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// promptCase is a golden prompt.
type promptCase struct {
	ID           string
	Request      json.RawMessage
	Prompt       *string
	Error        string
	Status       int
	Start        string
	SpecialBytes [][2]int `json:"special_bytes"`
	IDs          []int32
	Tools        bool `json:"parse_tool_calls"`
	JSON         bool `json:"json_output"`
	Constraint   *string
	Temperature  float64
	TopP         float64 `json:"top_p"`
}

// looseRequest reads a body for the dialects that DeepSeek's API no longer
// serves: without the API's checks.
func looseRequest(t testing.TB, raw json.RawMessage) *chat.Request {
	t.Helper()
	var body struct {
		Messages []struct {
			Role, Content, Name string
			Prefix              bool
			Reasoning           string `json:"reasoning_content"`
			ToolCallID          string `json:"tool_call_id"`
			ToolCalls           []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		Tools    []struct{ Function json.RawMessage }
		Effort   string `json:"reasoning_effort"`
		Thinking *struct{ Type string }
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	r := &chat.Request{Effort: body.Effort}
	for _, m := range body.Messages {
		out := chat.Message{Role: chat.Role(m.Role), Content: chat.Text(m.Content), Name: m.Name, Prefix: m.Prefix, Reasoning: m.Reasoning, ToolCallID: m.ToolCallID}
		for _, c := range m.ToolCalls {
			out.ToolCalls = append(out.ToolCalls, chat.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
		}
		r.Messages = append(r.Messages, out)
	}
	for _, tool := range body.Tools {
		out := chat.Tool{Source: tool.Function}
		if err := json.Unmarshal(tool.Function, &out); err != nil {
			t.Fatal(err)
		}
		out.Source = tool.Function
		r.Tools = append(r.Tools, out)
	}
	if body.Thinking != nil {
		r.Thinking = new(body.Thinking.Type != "disabled")
	}
	return r
}

// specialBytes are the ranges of a prompt that are template spans.
func specialBytes(p *chat.Prompt) [][2]int {
	var out [][2]int
	at := 0
	for _, s := range p.Spans {
		if s.Template {
			out = append(out, [2]int{at, at + len(s.Text)})
		}
		at += len(s.Text)
	}
	return out
}

// TestGoldenPrompts renders the prompts of every dialect. Where they list token
// ids and special ranges, those too.
func TestGoldenPrompts(t *testing.T) {
	files, _ := filepath.Glob(goldenDir(t, "prompts", "*.json"))
	ran := 0
	for _, path := range files {
		var f struct {
			Dialect string
			Cases   []promptCase
		}
		readGolden(t, path, &f)
		d, err := New(f.Dialect)
		if err != nil {
			t.Error(err)
			continue
		}
		var vocab *tokenizer.Tokenizer
		api := f.Dialect == "deepseek-v4" || f.Dialect == "deepseek-v4.1"
		if api {
			vocab = vocabulary(t, map[string]string{"deepseek-v4": "deepseek-v4", "deepseek-v4.1": "deepseek-v41"}[f.Dialect])
		}
		for _, c := range f.Cases {
			ran++
			name := f.Dialect + "/" + c.ID
			if api {
				checkAPIPrompt(t, name, d, vocab, &c)
				continue
			}
			p, err := d.Render(looseRequest(t, c.Request))
			checkPrompt(t, name, p, err, &c)
		}
	}
	golden.Report(t, "dialect prompts", ran)
}

func checkPrompt(t *testing.T, name string, p *chat.Prompt, err error, c *promptCase) {
	t.Helper()
	switch {
	case c.Prompt == nil:
		if err == nil {
			t.Errorf("%s: rendered, want the error %s", name, c.Error)
		}
	case err != nil:
		t.Errorf("%s: %v", name, err)
	case p.Text() != *c.Prompt:
		t.Errorf("%s: (-want +got)\n%s", name, cmp.Diff(*c.Prompt, p.Text()))
	case p.Start.String() != c.Start:
		t.Errorf("%s: starts in %v, want %s", name, p.Start, c.Start)
	}
}

func checkAPIPrompt(t *testing.T, name string, d *Dialect, vocab *tokenizer.Tokenizer, c *promptCase) {
	t.Helper()
	r, bad := deepseekapi.Decode(c.Request, deepseekapi.Options{Version: version(d)})
	if bad != nil {
		if c.Prompt != nil || bad.Message != c.Error || bad.Status != c.Status {
			t.Errorf("%s: got the error %v, want %d %s", name, bad, c.Status, c.Error)
		}
		return
	}
	p, err := d.Render(&r.Chat)
	checkPrompt(t, name, p, err, c)
	if err != nil || c.Prompt == nil {
		return
	}
	if diff := cmp.Diff(c.SpecialBytes, specialBytes(p)); diff != "" {
		t.Errorf("%s: special bytes (-want +got)\n%s", name, diff)
	}
	if vocab == nil {
		// Text and ranges were compared.
	} else if diff := cmp.Diff(c.IDs, vocab.Encode(nil, p.Spans...)); diff != "" {
		t.Errorf("%s: ids (-want +got)\n%s", name, diff)
	}
	if r.Tools != c.Tools || r.JSON != c.JSON || !near(r.Temperature, c.Temperature) || !near(r.TopP, c.TopP) || r.Constraint != deref(c.Constraint) {
		t.Errorf("%s: got tools %v, JSON %v, temperature %v, top_p %v, constraint %q, want %v, %v, %v, %v, %q", name,
			r.Tools, r.JSON, r.Temperature, r.TopP, r.Constraint, c.Tools, c.JSON, c.Temperature, c.TopP, deref(c.Constraint))
	}
}

func version(d *Dialect) deepseekapi.Version {
	if d.Info().Name == "deepseek-v4.1" {
		return deepseekapi.V41
	}
	return deepseekapi.V4
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestGoldenFIM(t *testing.T) {
	var f struct {
		Cases []struct {
			Tokenizer, Prefix, Suffix, Prompt string
			IDs                               []int32
		}
	}
	readGolden(t, goldenDir(t, "fim.json"), &f)
	vocabs := map[string]*tokenizer.Tokenizer{}
	for i, c := range f.Cases {
		p := FIM(c.Prefix, c.Suffix)
		if p.Text() != c.Prompt {
			t.Errorf("case %d: got %q, want %q", i, p.Text(), c.Prompt)
		}
		vocab, ok := vocabs[c.Tokenizer]
		if !ok {
			vocab = vocabulary(t, c.Tokenizer)
			vocabs[c.Tokenizer] = vocab
		}
		if vocab == nil {
			continue
		}
		if diff := cmp.Diff(c.IDs, vocab.Encode(nil, p.Spans...)); diff != "" {
			t.Errorf("case %d: ids (-want +got)\n%s", i, diff)
		}
	}
	golden.Report(t, "fim prompts", len(f.Cases))
}
