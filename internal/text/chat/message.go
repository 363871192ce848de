package chat

import (
	"encoding/json"
	"strings"
)

// Role says who speaks. Formats map a role that they do not know to the
// nearest one they do.
type Role string

// The roles of a conversation. Developer is what newer clients call System.
const (
	System    Role = "system"
	Developer Role = "developer"
	User      Role = "user"
	Assistant Role = "assistant"
	ToolRole  Role = "tool"
)

// Part is one piece of a message's content, in the order it was sent. Only
// text is known today; a Kind other than PartText is refused by formats that
// cannot show it.
type Part struct {
	Kind PartKind
	Text string
}

// PartKind says what a Part holds.
type PartKind uint8

// The kinds of parts.
const (
	PartText PartKind = iota

	// partMarkup is text of ours within a message, such as the tags around a call
	// that a template does not know: special tokens are recognised in it. It joins
	// its neighbours without a separator. Only defaultTools makes it.
	partMarkup
)

// Message is one turn of a conversation.
type Message struct {
	Role Role

	// Content holds the text in ordered parts. A single part is a plain
	// string; nil is absent content, as in an assistant turn of calls only.
	Content []Part

	// Reasoning is what an assistant thought before the content.
	Reasoning string

	// ToolCalls are the calls that an assistant turn made, in order.
	ToolCalls []ToolCall

	// ToolCallID names the call that a tool turn answers.
	ToolCallID string

	// Name is the speaker's or the tool's name, if one was given.
	Name string

	// Prefix leaves an assistant turn open, if it is the last message: the
	// model continues it instead of answering it.
	Prefix bool
}

// Text returns content with one text part.
func Text(s string) []Part { return []Part{{Kind: PartText, Text: s}} }

// Text joins the message's text parts with sep.
func (m *Message) Text(sep string) string {
	if len(m.Content) == 1 {
		return m.Content[0].Text
	}
	var b strings.Builder
	for i, p := range m.Content {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // a JSON schema with its key order; nil if none was given
	Strict      bool            // the arguments must follow the schema

	// Source is the declaration as the client sent it, with its key order: the
	// JSON object that holds name, description and parameters. It is nil if
	// unknown. Formats that print the whole object print this one.
	Source json.RawMessage
}

// ToolCall is one call made by the model.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // the exact text, normally a JSON object
}
