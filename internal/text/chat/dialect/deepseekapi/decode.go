package deepseekapi

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// Decode reads a request's body. Unknown fields are ignored.
func Decode(body []byte, o Options) (*Request, *Error) {
	v, err := value.Rules{}.Parse(string(body))
	if err != nil {
		return nil, malformed("%s", err)
	}
	var bad *Error
	f := object(&v, "", &bad)
	b := readBody(f)
	if bad != nil {
		return nil, bad
	}
	return b.resolve(o)
}

// body is a request whose types are right.
type body struct {
	req      Request
	messages []message
	tools    []chat.Tool
	choice   chat.ToolChoice

	thinking                      string // adaptive, enabled, disabled or nothing
	effort                        string
	temperature, topP             float32
	temperature64, topP64         float64
	presence, frequency           float32
	maxTokens, n, seed, top       uint64
	hasMax, hasN, hasSeed, hasTop bool
	stopIsList, streamOptions     bool
	hasFormat                     bool
}

// message is a message whose types are right.
type message struct {
	chat.Message
	hasContent, hasCalls bool
}

func readBody(f fields) *body {
	b := &body{}
	b.req.Model = f.str("model")
	b.readMessages(f)
	b.readTools(f)
	b.readStop(f)
	b.readOutput(f)
	b.temperature, b.temperature64 = f.float("temperature", 1)
	b.topP, b.topP64 = f.float("top_p", 1)
	b.presence, _ = f.float("presence_penalty", 0)
	b.frequency, _ = f.float("frequency_penalty", 0)
	b.maxTokens, b.hasMax = f.uint("max_tokens", maxUint32)
	b.n, b.hasN = f.uint("n", maxUint8)
	b.seed, b.hasSeed = f.uint("seed", math.MaxUint64)
	b.top, b.hasTop = f.uint("top_logprobs", maxUint8)
	b.req.Logprobs = f.bool("logprobs")
	b.req.Stream = f.bool("stream")
	if v := f.get("stream_options"); v != nil {
		b.streamOptions = true
		b.req.IncludeUsage = object(v, "stream_options", f.err).bool("include_usage")
	}
	if v := f.get("thinking"); v != nil {
		t := object(v, "thinking", f.err)
		t.need("type")
		b.thinking = t.word("type", "adaptive", "enabled", "disabled")
	}
	b.effort = f.word("reasoning_effort", "none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
	return b
}

func (b *body) readMessages(f fields) {
	f.need("messages")
	list := f.list("messages")
	for i := range list {
		m := object(&list[i], fmt.Sprintf("messages[%d]", i), f.err)
		m.need("role")
		role := m.word("role", "system", "developer", "user", "assistant", "tool", "latest_reminder")
		if role == "developer" {
			role = "system"
		}
		out := message{Message: chat.Message{Role: chat.Role(role), Name: m.str("name")}}
		out.Content, out.hasContent = content(m)
		if !out.hasContent && role != "assistant" {
			m.need("content")
		}
		if role == "tool" {
			out.ToolCallID = m.needStr("tool_call_id")
		}
		if role == "assistant" {
			out.Reasoning = m.str("reasoning_content")
			out.Prefix = m.bool("prefix")
			out.hasCalls = m.get("tool_calls") != nil
			out.ToolCalls = calls(m)
		}
		b.messages = append(b.messages, out)
	}
}

// content reads a message's content: a text or a list of texts.
func content(m fields) ([]chat.Part, bool) {
	v := m.get("content")
	if v == nil {
		return nil, false
	}
	switch v.Kind {
	case value.String:
		return chat.Text(v.Text), true
	case value.Array:
		if m.str("role") == "latest_reminder" {
			m.wrong("content", "a string")
		}
		parts := make([]chat.Part, 0, len(v.Items))
		for i := range v.Items {
			p := object(&v.Items[i], fmt.Sprintf("%s[%d]", m.at("content"), i), m.err)
			p.need("type")
			if t := p.str("type"); t == "image_url" || t == "file" {
				set(m.err, invalid("The content type '%s' is not supported: this model reads text only.", t))
			}
			p.word("type", "text")
			parts = append(parts, chat.Part{Text: p.needStr("text")})
		}
		return parts, true
	}
	m.wrong("content", "a string or a list")
	return nil, true
}

func calls(m fields) []chat.ToolCall {
	var out []chat.ToolCall
	list := m.list("tool_calls")
	for i := range list {
		c := object(&list[i], fmt.Sprintf("%s[%d]", m.at("tool_calls"), i), m.err)
		c.need("type")
		c.word("type", "function")
		fn := object(c.need("function"), c.at("function"), m.err)
		out = append(out, chat.ToolCall{ID: c.needStr("id"), Name: fn.needStr("name"), Arguments: fn.needStr("arguments")})
	}
	return out
}

func (b *body) readTools(f fields) {
	list := f.list("tools")
	for i := range list {
		t := object(&list[i], fmt.Sprintf("tools[%d]", i), f.err)
		t.need("type")
		t.word("type", "function")
		fn := object(t.need("function"), t.at("function"), f.err)
		tool := chat.Tool{Name: fn.needStr("name"), Description: fn.str("description"), Strict: fn.bool("strict"), Source: raw(fn.v)}
		if p := fn.get("parameters"); p != nil {
			tool.Parameters = raw(p)
		}
		b.tools = append(b.tools, tool)
	}
	v := f.get("tool_choice")
	switch {
	case v == nil:
	case v.Kind == value.Object:
		c := object(v, "tool_choice", f.err)
		c.need("type")
		c.word("type", "function")
		fn := object(c.need("function"), c.at("function"), f.err)
		b.choice = chat.ToolChoice{Mode: chat.ToolNamed, Name: fn.needStr("name")}
	default:
		modes := map[string]chat.ToolChoiceMode{"none": chat.ToolNone, "auto": chat.ToolAuto, "required": chat.ToolRequired}
		b.choice.Mode = modes[f.word("tool_choice", "none", "auto", "required")]
	}
}

func (b *body) readStop(f fields) {
	v := f.get("stop")
	if v == nil {
		return
	}
	if v.Kind == value.String {
		b.req.Chat.Stop = []string{v.Text}
		return
	}
	b.stopIsList = true
	list := f.list("stop")
	for i := range list {
		if list[i].Kind != value.String {
			f.wrong("stop", "strings")
		}
		b.req.Chat.Stop = append(b.req.Chat.Stop, list[i].Text)
	}
}

func (b *body) readOutput(f fields) {
	v := f.get("response_format")
	if v == nil {
		return
	}
	b.hasFormat = true
	r := object(v, "response_format", f.err)
	r.need("type")
	switch r.word("type", "json_object", "json_schema", "regex", "text") {
	case "json_object":
		b.req.Chat.Output.Kind = chat.OutputJSON
	case "json_schema":
		s := object(r.need("json_schema"), "response_format.json_schema", f.err)
		out := &b.req.Chat.Output
		out.Kind, out.Name, out.Strict = chat.OutputSchema, s.str("name"), s.bool("strict")
		schema, ok := s.v.Get("schema")
		if !ok {
			s.need("schema")
			return
		}
		out.Schema = raw(schema)
	case "regex":
		b.req.Regex = r.needStr("regex")
		b.req.Constraint = "regex"
	}
}
