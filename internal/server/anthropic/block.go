package anthropic

import (
	"encoding/json"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A kind says what a content block holds.
type kind uint8

const (
	kindText kind = iota
	kindThinking
	kindCall
)

// A block is one piece of an answer's content as it grows. An event either
// belongs to the block that is open, or opens the next one.
type block struct {
	kind     kind
	index    int // of the call
	id, name string
	text     strings.Builder // arguments, for a call
}

// piece returns what an event adds to content. It reports false for events that
// add nothing.
func piece(e chat.Event) (k kind, text string, ok bool) {
	switch e := e.(type) {
	case chat.TextDelta:
		return kindText, e.Text, e.Text != ""
	case chat.ThinkingDelta:
		return kindThinking, e.Text, e.Text != ""
	case chat.ToolCallDelta:
		return kindCall, e.Arguments, true
	}
	return 0, "", false
}

// takes reports whether an event goes on with the block.
func (b *block) takes(e chat.Event) bool {
	if b == nil {
		return false
	}
	k, _, _ := piece(e)
	c, call := e.(chat.ToolCallDelta)
	return k == b.kind && (!call || c.Index == b.index)
}

// open returns the block that an event opens.
func open(e chat.Event) *block {
	k, _, _ := piece(e)
	b := &block{kind: k}
	if c, ok := e.(chat.ToolCallDelta); ok {
		b.index, b.id, b.name = c.Index, c.ID, c.Name
	}
	return b
}

// The blocks of answers, as they are written. In a stream they begin empty.
type textBlock struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type thinkingBlock struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
}

type toolUseBlock struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

// wire returns the block as it is written, with what it holds so far.
func (b *block) wire(signature string) any {
	switch b.kind {
	case kindThinking:
		return thinkingBlock{"thinking", b.text.String(), signature}
	case kindCall:
		return toolUseBlock{"tool_use", b.id, b.name, input(b.text.String())}
	default:
		return textBlock{"text", b.text.String()}
	}
}

// input returns a call's arguments as the object that clients expect. Those that
// are none, because the answer was cut off in the middle or the model's format
// cannot be forced, are given in the way that Anthropic's documentation asks
// clients to send such input back.
func input(arguments string) json.RawMessage {
	s := strings.TrimSpace(arguments)
	if s == "" {
		return json.RawMessage("{}")
	}
	if s[0] == '{' && json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	b, err := server.Marshal(map[string]string{"INVALID_JSON": arguments})
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}
