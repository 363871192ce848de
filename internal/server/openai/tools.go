package openai

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
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

// goodName is what OpenAI allows, and what every model's markup can carry.
var goodName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

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
	if !goodName.MatchString(f.Name) {
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
