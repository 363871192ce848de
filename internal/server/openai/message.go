package openai

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// message is one turn as clients send it.
type message struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"` // string, parts or null
	Name       string          `json:"name"`
	ToolCalls  []wire.ToolCall `json:"tool_calls"`
	ToolCallID string          `json:"tool_call_id"`
	// What a model thought before it answered, by two names that are in use.
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        string          `json:"reasoning"`
	Prefix           bool            `json:"prefix"`
	Refusal          *string         `json:"refusal"`
	Audio            json.RawMessage `json:"audio"`
	FunctionCall     json.RawMessage `json:"function_call"`
}

var roles = map[string]chat.Role{
	"system": chat.System, "developer": chat.Developer, "user": chat.User, "assistant": chat.Assistant, "tool": chat.ToolRole,
}

// toMessages turns the wire's messages into ours.
func toMessages(in []message) ([]chat.Message, error) {
	if len(in) == 0 {
		return nil, apierr.At(apierr.MissingField, "messages", "'messages' is missing or empty: there is nothing to answer")
	}
	out := make([]chat.Message, len(in))
	for i := range in {
		if err := in[i].into(&out[i], fmt.Sprintf("messages[%d]", i)); err != nil {
			return nil, err
		}
		if in[i].Prefix && i != len(in)-1 {
			return nil, apierr.At(apierr.InvalidValue, fmt.Sprintf("messages[%d].prefix", i), "only the last message can be a prefix")
		}
	}
	return out, nil
}

func (m *message) into(out *chat.Message, at string) error {
	role, ok := roles[m.Role]
	switch {
	case m.Role == "":
		return apierr.Missing(at + ".role")
	case !ok:
		return apierr.BadValue(at+".role", m.Role, `one of "system", "developer", "user", "assistant", "tool"`)
	case !absent(m.FunctionCall):
		return apierr.Unsupported(at+".function_call", "use 'tool_calls'")
	case !absent(m.Audio):
		return apierr.Unsupported(at+".audio", "the models here read text only")
	case m.Prefix && role != chat.Assistant:
		return apierr.At(apierr.InvalidValue, at+".prefix", "only an assistant's message can be a prefix")
	case role == chat.ToolRole && m.ToolCallID == "":
		return apierr.Missing(at + ".tool_call_id")
	}
	*out = chat.Message{Role: role, Name: m.Name, ToolCallID: m.ToolCallID, Prefix: m.Prefix, Reasoning: m.ReasoningContent}
	if out.Reasoning == "" {
		out.Reasoning = m.Reasoning
	}
	var err error
	if out.Content, err = content(m.Content, at+".content"); err != nil {
		return err
	}
	for i, c := range m.ToolCalls {
		p := fmt.Sprintf("%s.tool_calls[%d]", at, i)
		switch {
		case role != chat.Assistant:
			return apierr.At(apierr.InvalidValue, at+".tool_calls", "only an assistant's message can have tool calls")
		case c.Type != "" && c.Type != "function":
			return apierr.BadValue(p+".type", c.Type, `"function"`)
		case c.Function.Name == "":
			return apierr.Missing(p + ".function.name")
		}
		out.ToolCalls = append(out.ToolCalls, chat.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
	}
	if out.Content == nil && len(out.ToolCalls) == 0 && role != chat.Assistant {
		return apierr.Missing(at + ".content")
	}
	return nil
}

// part is one piece of content.
type part struct {
	Type    string  `json:"type"`
	Text    *string `json:"text"`
	Refusal *string `json:"refusal"`
}

// content reads a string, a list of parts, or null.
func content(raw json.RawMessage, at string) ([]chat.Part, error) {
	if absent(raw) {
		return nil, nil
	}
	if raw[0] == '"' {
		var s string
		if err := decode.Value(raw, &s, at); err != nil {
			return nil, err
		}
		return chat.Text(s), nil
	}
	if raw[0] != '[' {
		return nil, apierr.At(apierr.InvalidValue, at, "'%s' must be a string, or an array of parts", at)
	}
	var parts []part
	if err := decode.Value(raw, &parts, at); err != nil {
		return nil, err
	}
	out := make([]chat.Part, 0, len(parts))
	for i, p := range parts {
		where := fmt.Sprintf("%s[%d]", at, i)
		text := p.Text
		switch p.Type {
		case "text", "input_text", "output_text":
		case "refusal":
			text = p.Refusal
		case "image_url", "input_image", "input_audio", "file", "input_file", "video_url":
			return nil, apierr.At(apierr.UnsupportedValue, where+".type", "'%s.type' is %q, but the models here read text only", where, p.Type)
		default:
			return nil, apierr.BadValue(where+".type", p.Type, `"text"`)
		}
		if text == nil {
			return nil, apierr.Missing(where + ".text")
		}
		out = append(out, chat.Part{Text: *text})
	}
	return out, nil
}

// absent reports that an optional value was not given, or was null.
func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}
