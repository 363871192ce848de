package chat

import "encoding/json"

// Request is one question to a model, whatever API it came through.
type Request struct {
	Messages []Message

	Tools      []Tool
	ToolChoice ToolChoice
	// ParallelCalls, if not nil, says whether one answer may hold several calls.
	ParallelCalls *bool

	// Thinking switches reasoning on or off; nil leaves it to the model.
	Thinking *bool
	// Effort is how long to think: low, medium, high, max, or a model's own
	// word; empty leaves it to the model.
	Effort string

	Output Output

	// Stop ends the answer where one of these texts begins in its content.
	// They are not looked for in reasoning and in calls.
	Stop []string

	// Variables are more values for the model's template, by name
	// (chat_template_kwargs in other servers).
	Variables map[string]json.RawMessage
}

// ToolChoiceMode says whether the model may, must or must not call a tool.
type ToolChoiceMode uint8

// The modes of ToolChoice.
const (
	ToolAuto     ToolChoiceMode = iota // the model decides
	ToolNone                           // no calls
	ToolRequired                       // at least one call
	ToolNamed                          // a call of the named tool
)

// ToolChoice restricts the calls of an answer.
type ToolChoice struct {
	Mode ToolChoiceMode
	Name string // for ToolNamed
}

// OutputKind says which shape the content must have.
type OutputKind uint8

// The kinds of output.
const (
	OutputText   OutputKind = iota
	OutputJSON              // any JSON object
	OutputSchema            // JSON that follows Output.Schema
)

// Output is the asked-for shape of the content.
type Output struct {
	Kind   OutputKind
	Name   string          // the schema's name, if one was given
	Schema json.RawMessage // for OutputSchema
	Strict bool
}
