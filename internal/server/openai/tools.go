package openai

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

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

// toolName is what OpenAI allows, and what every model's markup can carry.
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

const maxTools = 128

// toTools turns the wire's tools into ours.
func toTools(in []tool) ([]chat.Tool, error) {
	if len(in) > maxTools {
		return nil, apierr.At(apierr.InvalidValue, "tools", "there are %d tools, but at most %d are allowed", len(in), maxTools)
	}
	var out []chat.Tool
	for i, t := range in {
		at := fmt.Sprintf("tools[%d]", i)
		switch {
		case t.Type == "":
			return nil, apierr.Missing(at + ".type")
		case t.Type != "function":
			return nil, apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %.100q, but only \"function\" is supported", at, t.Type)
		case t.Function == nil:
			return nil, apierr.Missing(at + ".function")
		}
		var err error
		if out, err = addTool(out, *t.Function, at+".function"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func addTool(out []chat.Tool, f function, at string) ([]chat.Tool, error) {
	if !toolName.MatchString(f.Name) {
		return nil, apierr.BadValue(at+".name", f.Name, "1 to 64 letters, digits, _ or -")
	}
	for _, other := range out {
		if other.Name == f.Name {
			return nil, apierr.At(apierr.InvalidValue, at+".name", "there are two tools with the name %q", f.Name)
		}
	}
	if absent(f.Parameters) {
		f.Parameters = nil
	} else if f.Parameters[0] != '{' {
		return nil, apierr.At(apierr.InvalidValue, at+".parameters", "'%s.parameters' must be an object: a JSON schema", at)
	}
	return append(out, chat.Tool{Name: f.Name, Description: f.Description, Parameters: f.Parameters, Strict: f.Strict != nil && *f.Strict}), nil
}

// toChoice reads tool_choice: a word, or an object that names a function. The
// responses API has the name directly in it.
func toChoice(raw json.RawMessage, tools []chat.Tool) (chat.ToolChoice, error) {
	if absent(raw) {
		return chat.ToolChoice{}, nil
	}
	var word string
	if raw[0] == '"' {
		if err := decode.Value(raw, &word, "tool_choice"); err != nil {
			return chat.ToolChoice{}, err
		}
		modes := map[string]chat.ToolChoiceMode{"auto": chat.ToolAuto, "none": chat.ToolNone, "required": chat.ToolRequired}
		mode, ok := modes[word]
		switch {
		case !ok:
			return chat.ToolChoice{}, apierr.BadValue("tool_choice", word, `"none", "auto", "required", or an object that names a function`)
		case mode == chat.ToolRequired && len(tools) == 0:
			return chat.ToolChoice{}, apierr.At(apierr.InvalidValue, "tool_choice", "a tool call is required, but there are no tools")
		}
		return chat.ToolChoice{Mode: mode}, nil
	}
	var named struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Function *struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := decode.Value(raw, &named, "tool_choice"); err != nil {
		return chat.ToolChoice{}, err
	}
	name := named.Name
	if named.Function != nil {
		name = named.Function.Name
	}
	if named.Type != "function" {
		return chat.ToolChoice{}, apierr.At(apierr.UnsupportedValue, "tool_choice.type", "'tool_choice.type' is %.100q, but only \"function\" is supported", named.Type)
	}
	for _, t := range tools {
		if t.Name == name {
			return chat.ToolChoice{Mode: chat.ToolNamed, Name: name}, nil
		}
	}
	return chat.ToolChoice{}, apierr.At(apierr.InvalidValue, "tool_choice", "'tool_choice' names the function %.100q, which is not among the tools", name)
}
