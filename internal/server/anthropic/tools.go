package anthropic

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// tool is a function of the client's.
type tool struct {
	Type          *string           `json:"type"` // absent, null or "custom"
	Name          string            `json:"name"`
	Description   string            `json:"description"`
	InputSchema   json.RawMessage   `json:"input_schema"`
	Strict        bool              `json:"strict"`
	DeferLoading  bool              `json:"defer_loading"`
	Callers       []string          `json:"allowed_callers"`
	InputExamples []json.RawMessage `json:"input_examples"`
}

// toolFields: every input is streamed as it is made, so that asking for it
// changes nothing.
var toolFields = decode.Fields{Ignored: []string{"cache_control", "eager_input_streaming"}}

// toolName is what the API allows, and what every model's markup can carry.
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// maxTools bounds the number of tools. Agents with many servers of tools have
// hundreds.
const maxTools = 1024

// tools turns the wire's tools into ours.
func (m *messagesRequest) tools(a *asked) error {
	if len(m.Tools) > maxTools {
		return apierr.At(apierr.InvalidValue, "tools", "there are %d tools, but at most %d are allowed", len(m.Tools), maxTools)
	}
	names := map[string]bool{}
	for i, raw := range m.Tools {
		at := fmt.Sprintf("tools[%d]", i)
		t, err := toTool(raw, at)
		if err != nil {
			return err
		}
		if names[t.Name] {
			return apierr.At(apierr.InvalidValue, at+".name", "there are two tools with the name %q", t.Name)
		}
		names[t.Name] = true
		a.req.Tools = append(a.req.Tools, t)
	}
	return nil
}

func toTool(raw json.RawMessage, at string) (chat.Tool, error) {
	if err := ours(raw, at); err != nil {
		return chat.Tool{}, err
	}
	var t tool
	if err := object(raw, &t, at, toolFields); err != nil {
		return chat.Tool{}, err
	}
	switch {
	case !toolName.MatchString(t.Name):
		return chat.Tool{}, apierr.BadValue(at+".name", t.Name, "1 to 128 letters, digits, _ or -")
	case absent(t.InputSchema):
		return chat.Tool{}, apierr.Missing(at + ".input_schema")
	case t.InputSchema[0] != '{':
		return chat.Tool{}, apierr.At(apierr.InvalidValue, at+".input_schema", "'%s.input_schema' must be an object: a JSON schema", at)
	case t.DeferLoading:
		return chat.Tool{}, apierr.Unsupported(at+".defer_loading", "there is no search for tools; declare those that are needed")
	case len(t.InputExamples) > 0:
		return chat.Tool{}, apierr.Unsupported(at+".input_examples", "put examples into 'description'")
	}
	for i, c := range t.Callers {
		if c != "direct" {
			return chat.Tool{}, apierr.BadValue(fmt.Sprintf("%s.allowed_callers[%d]", at, i), c, `"direct"`)
		}
	}
	return chat.Tool{Name: t.Name, Description: t.Description, Parameters: t.InputSchema, Strict: t.Strict}, nil
}

// ours refuses the tools that Anthropic runs itself, or whose schemas only its
// models know, before their other fields are looked at.
func ours(raw json.RawMessage, at string) error {
	var t struct {
		Type *string `json:"type"`
	}
	if len(raw) > 0 && raw[0] == '{' {
		if err := decode.Value(raw, &t, at); err != nil {
			return err
		}
	}
	if t.Type != nil && *t.Type != "custom" {
		return apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %.100q, but only \"custom\" tools are supported: those with an input_schema, which the client runs", at, *t.Type)
	}
	return nil
}

// toolChoice says which tools an answer may or must call.
type toolChoice struct {
	Type            string `json:"type"`
	Name            string `json:"name"`
	DisableParallel *bool  `json:"disable_parallel_tool_use"`
}

func (m *messagesRequest) choice(a *asked) error {
	if absent(m.ToolChoice) {
		return nil
	}
	var c toolChoice
	if err := object(m.ToolChoice, &c, "tool_choice", decode.Fields{}); err != nil {
		return err
	}
	modes := map[string]chat.ToolChoiceMode{"auto": chat.ToolAuto, "none": chat.ToolNone, "any": chat.ToolRequired, "tool": chat.ToolNamed}
	mode, ok := modes[c.Type]
	switch {
	case c.Type == "":
		return apierr.Missing("tool_choice.type")
	case !ok:
		return apierr.BadValue("tool_choice.type", c.Type, `"auto", "any", "tool" or "none"`)
	case mode != chat.ToolNone && len(a.req.Tools) == 0:
		return apierr.At(apierr.InvalidValue, "tool_choice", "'tool_choice' is %q, but there are no tools", c.Type)
	case mode == chat.ToolNamed && c.Name == "":
		return apierr.Missing("tool_choice.name")
	case mode != chat.ToolNamed && c.Name != "":
		return apierr.At(apierr.InvalidValue, "tool_choice.name", "'tool_choice.name' needs the type \"tool\"")
	}
	a.req.ToolChoice = chat.ToolChoice{Mode: mode, Name: c.Name}
	if c.DisableParallel != nil {
		several := !*c.DisableParallel
		a.req.ParallelCalls = &several
	}
	if mode != chat.ToolNamed {
		return nil
	}
	if a.req.ParallelCalls == nil {
		a.req.ParallelCalls = new(false) // "call this tool" means once
	}
	for _, t := range a.req.Tools {
		if t.Name == c.Name {
			return nil
		}
	}
	return apierr.At(apierr.InvalidValue, "tool_choice.name", "'tool_choice' names the tool %.100q, which is not among the tools", c.Name)
}
