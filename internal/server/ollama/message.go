package ollama

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// message is one turn, in requests and answers.
type message struct {
	Role       string          `json:"role"`
	Content    string          `json:"content"`
	Thinking   string          `json:"thinking,omitempty"`
	Images     json.RawMessage `json:"images,omitempty"`
	ToolCalls  []toolCall      `json:"tool_calls,omitempty"`
	ToolName   string          `json:"tool_name,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
	Name       string          `json:"name,omitempty"` // the tool's, by an older name
}

type toolCall struct {
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function functionCall `json:"function"`
}

type functionCall struct {
	Index       *int            `json:"index,omitempty"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Arguments   json.RawMessage `json:"arguments"` // an object
}

type tool struct {
	Type     string    `json:"type"`
	Function *function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

var roles = map[string]chat.Role{
	"system": chat.System, "developer": chat.Developer, "user": chat.User, "assistant": chat.Assistant, "tool": chat.ToolRole,
}

// toMessages turns the wire's messages into ours. Results of tools need not say
// which call they answer: they are matched by the tool's name, then by order.
func toMessages(in []message) ([]chat.Message, error) {
	out := make([]chat.Message, 0, len(in))
	var open []chat.ToolCall // calls without a result yet
	for i := range in {
		at := fmt.Sprintf("messages[%d]", i)
		m, err := in[i].neutral(at, len(out))
		if err != nil {
			return nil, err
		}
		switch m.Role {
		case chat.Assistant:
			open = append(open[:0:0], m.ToolCalls...)
		case chat.ToolRole:
			if open, err = answers(&m, open, at); err != nil {
				return nil, err
			}
		default:
		}
		out = append(out, m)
	}
	return out, nil
}

func (m *message) neutral(at string, n int) (chat.Message, error) {
	role, ok := roles[m.Role]
	switch {
	case m.Role == "":
		return chat.Message{}, apierr.Missing(at + ".role")
	case !ok:
		return chat.Message{}, apierr.BadValue(at+".role", m.Role, `one of "system", "user", "assistant", "tool"`)
	case len(m.ToolCalls) > 0 && role != chat.Assistant:
		return chat.Message{}, apierr.At(apierr.InvalidValue, at+".tool_calls", "only an assistant's message can have tool calls")
	}
	if err := noImages(m.Images, at+".images"); err != nil {
		return chat.Message{}, err
	}
	out := chat.Message{Role: role, Content: chat.Text(m.Content), Reasoning: m.Thinking, ToolCallID: m.ToolCallID, Name: m.ToolName}
	if out.Name == "" {
		out.Name = m.Name
	}
	for i, c := range m.ToolCalls {
		p := fmt.Sprintf("%s.tool_calls[%d].function", at, i)
		call, err := c.neutral(p)
		if err != nil {
			return out, err
		}
		if call.ID == "" {
			call.ID = fmt.Sprintf("call_%d_%d", n, i)
		}
		out.ToolCalls = append(out.ToolCalls, call)
	}
	if m.Content == "" && len(out.ToolCalls) > 0 {
		out.Content = nil
	}
	return out, nil
}

func (c *toolCall) neutral(at string) (chat.ToolCall, error) {
	switch args := c.Function.Arguments; {
	case c.Function.Name == "":
		return chat.ToolCall{}, apierr.Missing(at + ".name")
	case missing(args):
		return chat.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: "{}"}, nil
	case args[0] != '{':
		return chat.ToolCall{}, apierr.At(apierr.InvalidValue, at+".arguments", "'%s.arguments' must be an object", at)
	default:
		return chat.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: string(args)}, nil
	}
}

// answers finds the call that a tool's message answers, and returns those that
// are left.
func answers(m *chat.Message, open []chat.ToolCall, at string) ([]chat.ToolCall, error) {
	found := -1
	for i, c := range open {
		same := m.ToolCallID != "" && c.ID == m.ToolCallID || m.ToolCallID == "" && (m.Name == "" || c.Name == m.Name)
		if same && found < 0 {
			found = i
		}
	}
	switch {
	case found < 0 && m.ToolCallID != "":
		return open, nil // the format says what it thinks of that
	case found < 0:
		return nil, apierr.At(apierr.InvalidValue, at, "'%s' answers no call of the assistant's message before it", at)
	}
	m.ToolCallID, m.Name = open[found].ID, open[found].Name
	return append(open[:found:found], open[found+1:]...), nil
}

// noImages refuses pictures.
func noImages(raw json.RawMessage, at string) error {
	if missing(raw) || string(raw) == "[]" {
		return nil
	}
	return apierr.Unsupported(at, "the models here read text only")
}

// toolName is what every model's markup can carry.
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

const maxTools = 128

// toTools turns the wire's tools into ours.
func toTools(in []tool) ([]chat.Tool, error) {
	if len(in) > maxTools {
		return nil, apierr.At(apierr.InvalidValue, "tools", "there are %d tools, but at most %d are allowed", len(in), maxTools)
	}
	out := make([]chat.Tool, 0, len(in))
	have := map[string]bool{}
	for i, t := range in {
		at := fmt.Sprintf("tools[%d]", i)
		switch f := t.Function; {
		case t.Type != "" && t.Type != "function":
			return nil, apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %.100q, but only \"function\" is supported", at, t.Type)
		case f == nil:
			return nil, apierr.Missing(at + ".function")
		case !toolName.MatchString(f.Name):
			return nil, apierr.BadValue(at+".function.name", f.Name, "1 to 128 letters, digits, _, . or -")
		case have[f.Name]:
			return nil, apierr.At(apierr.InvalidValue, at+".function.name", "there are two tools with the name %q", f.Name)
		case !missing(f.Parameters) && f.Parameters[0] != '{':
			return nil, apierr.At(apierr.InvalidValue, at+".function.parameters", "'%s.function.parameters' must be an object: a JSON schema", at)
		default:
			have[f.Name] = true
			c := chat.Tool{Name: f.Name, Description: f.Description, Strict: f.Strict != nil && *f.Strict}
			if !missing(f.Parameters) {
				c.Parameters = f.Parameters
			}
			out = append(out, c)
		}
	}
	return out, nil
}
