package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// wireMessage is a message of the golden conversations.
type wireMessage struct {
	Role             string
	Content          *json.RawMessage
	ReasoningContent string `json:"reasoning_content"`
	ToolCalls        []struct {
		ID       string
		Function struct {
			Name      string
			Arguments json.RawMessage
		}
	} `json:"tool_calls"`
	ToolCallID string `json:"tool_call_id"`
	Name       string
}

// convert turns a golden conversation into messages; ok is false for content
// that is no text.
func convert(t *testing.T, raw json.RawMessage) (msgs []Message, objectArgs, ok bool) {
	t.Helper()
	var wire []wireMessage
	if err := json.Unmarshal(raw, &wire); err != nil {
		t.Fatal(err)
	}
	for _, w := range wire {
		m := Message{Role: Role(w.Role), Reasoning: w.ReasoningContent, ToolCallID: w.ToolCallID, Name: w.Name}
		if w.Content != nil {
			var s string
			if json.Unmarshal(*w.Content, &s) != nil {
				return nil, false, false
			}
			m.Content = Text(s)
		}
		for _, c := range w.ToolCalls {
			args := string(c.Function.Arguments)
			var s string
			if json.Unmarshal(c.Function.Arguments, &s) == nil {
				args = s
			} else {
				objectArgs = true
			}
			m.ToolCalls = append(m.ToolCalls, ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: args})
		}
		msgs = append(msgs, m)
	}
	return msgs, objectArgs, true
}

func readGolden(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestGoldenFormat renders the golden conversations by way of Request. What
// cannot be said in one (an unknown role, arguments in the other form than the
// template wants, aliases of reasoning that the goldens leave out) is left out.
func TestGoldenFormat(t *testing.T) {
	dir := filepath.Join(golden.Dir(t, "prompts"), "jinja")
	var convs []struct {
		ID              string
		Messages, Tools json.RawMessage
	}
	readGolden(t, filepath.Join(dir, "conversations.json"), &convs)
	byID := map[string]int{}
	for i, c := range convs {
		byID[c.ID] = i
	}
	files, _ := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	ran, left := 0, map[string]int{}
	for _, path := range files {
		var f struct {
			Template, Clock string
			Tokens          map[string]string
			Cases           []struct {
				Conversation string
				Vars         map[string]json.RawMessage
				Out          *string
			}
		}
		readGolden(t, path, &f)
		source, err := os.ReadFile(filepath.Join(dir, f.Template))
		if err != nil {
			t.Fatal(err)
		}
		format, err := NewTemplate(ModelInfo{Template: string(source), BOS: f.Tokens["bos_token"], EOS: f.Tokens["eos_token"], Pad: f.Tokens["pad_token"]})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		clock, _ := time.Parse("2006-01-02T15:04:05", f.Clock)
		format.Now = func() time.Time { return clock }
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		for _, c := range f.Cases {
			conv := convs[byID[c.Conversation]]
			if c.Out == nil {
				left["error"]++
				continue
			}
			msgs, objectArgs, ok := convert(t, conv.Messages)
			if !ok {
				left["parts"]++
				continue
			}
			r := &Request{Messages: msgs, Variables: c.Vars}
			if string(c.Vars["continue_final_message"]) == "true" {
				r.Messages[len(msgs)-1].Prefix = true
				r.Variables = nil
			}
			if why := unsayable(r, format, string(conv.Messages), objectArgs); why != "" {
				left[why]++
				continue
			}
			var tools []struct{ Function Tool }
			if len(conv.Tools) > 0 {
				if err := json.Unmarshal(conv.Tools, &tools); err != nil {
					t.Fatal(err)
				}
			}
			for _, tool := range tools {
				r.Tools = append(r.Tools, tool.Function)
			}
			if len(r.Tools) > 0 && !format.probe().tools {
				left["template without tools"]++
				continue
			}
			ran++
			p, err := format.Render(r)
			switch {
			case err != nil:
				t.Errorf("%s/%s: %v", name, c.Conversation, err)
			case p.Text() != *c.Out:
				t.Errorf("%s/%s %v:\n got %.700q\nwant %.700q", name, c.Conversation, c.Vars, p.Text(), *c.Out)
			}
		}
	}
	t.Logf("left out: %v", left)
	golden.Report(t, "chat formats", ran)
}

// unsayable says why a golden case cannot be asked for by a Request.
func unsayable(r *Request, f *Template, raw string, objectArgs bool) string {
	src := f.model.Template
	c := f.probe()
	for _, m := range r.Messages {
		switch m.Role {
		case System:
			if !c.system {
				return "system into user"
			}
		case User, Assistant, ToolRole:
		default:
			return "role " + string(m.Role)
		}
		if len(m.ToolCalls) > 0 && objectArgs == c.textArgs {
			return "form of arguments"
		}
		if len(m.ToolCalls) > 0 && m.Text("") == "" && strings.Contains(raw, `"content": null`) != c.nullContent {
			return "form of absent content"
		}
		if m.Reasoning != "" && (strings.Contains(src, ".thinking") || strings.Contains(src, "'thinking'") || strings.Contains(src, "'reasoning'") || strings.Contains(src, "reasoning is")) {
			return "alias of reasoning"
		}
		if m.Role == ToolRole && m.Name == "" && strings.Contains(src, "name") {
			return "name of the tool"
		}
	}
	return ""
}

// TestGoldenThink checks the parser with the outputs of the R1 and V3.1
// dialects that hold no calls.
func TestGoldenThink(t *testing.T) {
	dir := filepath.Join(golden.Dir(t, "prompts"), "dialect", "outputs")
	ran := 0
	for _, name := range []string{"deepseek-r1", "deepseek-v3.1"} {
		var f struct {
			Cases []struct {
				ID, Start, Text string
				Options         struct{ Cut bool }
				Expect          struct {
					Reasoning, Content string
					Finish             string `json:"finish_reason"`
				}
			}
		}
		readGolden(t, filepath.Join(dir, name+".json"), &f)
		for _, c := range f.Cases {
			if strings.Contains(c.Text, "tool▁") {
				continue
			}
			ran++
			for _, cut := range []int{1, 2, 3, 7, len(c.Text) + 1} {
				got := parsePieces(newAnswerParser(knownTags[0], "", startOf(t, c.Start), ParserOptions{}), pieces(c.Text, cut), c.Options.Cut)
				want := answer{c.Expect.Reasoning, c.Expect.Content, FinishReason(c.Expect.Finish), ""}
				if got != want {
					t.Errorf("%s/%s in pieces of %d:\n got %+v\nwant %+v", name, c.ID, cut, got, want)
				}
			}
		}
	}
	golden.Report(t, "think outputs", ran)
}

func startOf(t *testing.T, name string) ParseStart {
	t.Helper()
	for i, n := range startNames {
		if n == name {
			return ParseStart(i)
		}
	}
	t.Fatalf("unknown start %q", name)
	return 0
}
