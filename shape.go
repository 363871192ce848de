package holdfast

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// ToolChoice says whether an answer may, must or must not call a tool.
type ToolChoice string

// The choices.
const (
	ToolAuto     ToolChoice = "auto"     // the model decides
	ToolNone     ToolChoice = "none"     // no calls
	ToolRequired ToolChoice = "required" // at least one call
)

// WithToolChoice says whether answers call tools. Calls follow the tools' schemas:
// what the model may write next is limited to that, whatever it would like to.
func WithToolChoice(c ToolChoice) SessionOption {
	modes := map[ToolChoice]chat.ToolChoiceMode{ToolAuto: chat.ToolAuto, ToolNone: chat.ToolNone, ToolRequired: chat.ToolRequired}
	return func(s *settings) error {
		mode, ok := modes[c]
		if !ok {
			return fmt.Errorf("holdfast: tool choice %q, expected %q, %q or %q", c, ToolAuto, ToolNone, ToolRequired)
		}
		s.choice = chat.ToolChoice{Mode: mode}
		return nil
	}
}

// WithToolNamed makes answers call this tool.
func WithToolNamed(name string) SessionOption {
	return func(s *settings) error { s.choice = chat.ToolChoice{Mode: chat.ToolNamed, Name: name}; return nil }
}

// WithParallelCalls says whether one answer may hold several calls; it may by default.
func WithParallelCalls(on bool) SessionOption {
	return func(s *settings) error { s.parallel = &on; return nil }
}

// WithJSON makes answers JSON objects, after any reasoning. WithJSONSchema(nil) ends it.
func WithJSON() SessionOption {
	return func(s *settings) error { s.output = chat.Output{Kind: chat.OutputJSON}; return nil }
}

// WithJSONSchema makes answers JSON that follows a schema, after any reasoning; nil
// makes them text again. A schema that cannot be enforced is an error of the
// question that it is used for, and says what it is that is not supported.
func WithJSONSchema(schema json.RawMessage) SessionOption {
	return func(s *settings) error {
		s.output = chat.Output{}
		if schema != nil {
			if !json.Valid(schema) {
				return fmt.Errorf("holdfast: the schema is no JSON: %.100q", schema)
			}
			s.output = chat.Output{Kind: chat.OutputSchema, Schema: slices.Clone(schema), Strict: true}
		}
		return nil
	}
}

// chatOptions are the options of an answer to r.
func (s *Session) chatOptions(set *settings, r *chat.Request) (llm.Options, error) {
	o := set.options()
	f := s.model.llm.Format()
	if f == nil {
		return o, nil // Chat says so
	}
	asked, err := shape.Check(f.Info(), r)
	if err != nil || !asked {
		return o, err
	}
	o.Constrain = func(p *chat.Prompt) (engine.Mask, error) { return s.model.shapes.Mask(f.Info(), r, p) }
	return o, nil
}
