package dialect

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// function returns a tool's declaration: as it was sent, if that is known, or
// made of its parts.
func function(t *chat.Tool) (value.Value, error) {
	if len(t.Source) > 0 {
		v, err := value.Rules{Python: true}.Parse(string(t.Source))
		if err != nil {
			return v, fmt.Errorf("tool %q: %w", t.Name, err)
		}
		return v, nil
	}
	v := value.Value{Kind: value.Object}
	v.Set("name", value.Str(t.Name))
	if t.Description != "" {
		v.Set("description", value.Str(t.Description))
	}
	if len(t.Parameters) > 0 {
		p, err := parameters(t)
		if err != nil {
			return v, err
		}
		v.Set("parameters", p)
	}
	return v, nil
}

// parameters returns a tool's schema; an empty object if it has none.
func parameters(t *chat.Tool) (value.Value, error) {
	if len(t.Parameters) == 0 {
		return value.Value{Kind: value.Object}, nil
	}
	v, err := value.Rules{Python: true}.Parse(string(t.Parameters))
	if err != nil {
		return v, fmt.Errorf("tool %q: parameters: %w", t.Name, err)
	}
	if v.Kind == value.Null {
		v = value.Value{Kind: value.Object}
	}
	return v, nil
}
