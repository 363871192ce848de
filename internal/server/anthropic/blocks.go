package anthropic

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// cached are the fields that any block may have and that change nothing here:
// every prompt is cached, whether that is asked for or not. parsed_output is what
// SDKs add to an answer's blocks, which programs send back as they are.
var cached = decode.Fields{
	Ignored: []string{"type", "cache_control", "citations", "caller", "parsed_output"},
	Refused: map[string]string{"toolset_name": "there are no toolsets here"},
}

// texts reads a string, or an array of text blocks.
func texts(raw json.RawMessage, at string) ([]string, error) {
	if raw[0] == '"' {
		var s string
		err := decode.Value(raw, &s, at)
		return []string{s}, err
	}
	if raw[0] != '[' {
		return nil, apierr.At(apierr.InvalidValue, at, "'%s' must be a string, or an array of blocks", at)
	}
	blocks, err := list(raw, at)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, b := range blocks {
		where := fmt.Sprintf("%s[%d]", at, i)
		typ, err := typeOf(b, where)
		if err != nil {
			return nil, err
		}
		if typ != "text" {
			return nil, refuse(typ, where, `"text"`)
		}
		t, err := textOf(b, where)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// textOf reads a text block.
func textOf(raw json.RawMessage, at string) (string, error) {
	var b struct {
		Text *string `json:"text"`
	}
	if err := object(raw, &b, at, cached); err != nil {
		return "", err
	}
	if b.Text == nil {
		return "", apierr.Missing(at + ".text")
	}
	return *b.Text, nil
}

// thought reads a thinking block: its text, and the signature that stands for
// the tokens. The text may be empty, where it was left out of the answer.
func (c *conversation) thought(m *chat.Message, raw json.RawMessage, at string) error {
	var b struct {
		Thinking  string `json:"thinking"`
		Signature string `json:"signature"`
	}
	if err := object(raw, &b, at, cached); err != nil {
		return err
	}
	m.Reasoning += b.Thinking
	c.signed(b.Signature)
	return nil
}

// redacted reads a block of thinking that only its maker can read. There is
// nothing in it for a model here, unless it came from here.
func (c *conversation) redacted(raw json.RawMessage, at string) error {
	var b struct {
		Data string `json:"data"`
	}
	if err := object(raw, &b, at, cached); err != nil {
		return err
	}
	c.signed(b.Data)
	return nil
}

func (c *conversation) signed(signature string) {
	if signature != "" {
		c.signatures[len(c.msgs)-1] = signature
	}
}

// call reads a tool_use block. The input stays as it was written: models see the
// order of keys.
func (c *conversation) call(m *chat.Message, raw json.RawMessage, at string) error {
	var b struct {
		ID    string          `json:"id"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
	}
	if err := object(raw, &b, at, cached); err != nil {
		return err
	}
	switch {
	case b.ID == "":
		return apierr.Missing(at + ".id")
	case b.Name == "":
		return apierr.Missing(at + ".name")
	case c.known[b.ID]:
		return apierr.At(apierr.InvalidValue, at+".id", "there are two tool_use blocks with the id %.100q", b.ID)
	case absent(b.Input):
		b.Input = json.RawMessage("{}")
	case b.Input[0] != '{':
		return apierr.At(apierr.InvalidValue, at+".input", "'%s.input' must be an object", at)
	}
	c.known[b.ID], c.waiting = true, append(c.waiting, b.ID)
	m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: b.ID, Name: b.Name, Arguments: string(b.Input)})
	return nil
}

// result reads a tool_result block. That a tool failed is said in front of what
// it returned: models have no other place for it.
func (c *conversation) result(raw json.RawMessage, at string) error {
	var b struct {
		ID      string          `json:"tool_use_id"`
		Content json.RawMessage `json:"content"`
		IsError bool            `json:"is_error"`
	}
	if err := object(raw, &b, at, cached); err != nil {
		return err
	}
	switch {
	case b.ID == "":
		return apierr.Missing(at + ".tool_use_id")
	case !slices.Contains(c.waiting, b.ID):
		return apierr.At(apierr.InvalidValue, at+".tool_use_id", "there is no tool_use with the id %.100q in the message before its result", b.ID)
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(id string) bool { return id == b.ID })
	m := chat.Message{Role: chat.ToolRole, ToolCallID: b.ID, Content: chat.Text("")}
	if !absent(b.Content) {
		all, err := texts(b.Content, at+".content")
		if err != nil {
			return err
		}
		m.Content = m.Content[:0]
		for _, t := range all {
			m.Content = append(m.Content, chat.Part{Text: t})
		}
	}
	if b.IsError {
		m.Content = append(chat.Text("Error:"), m.Content...)
	}
	c.add(m)
	return nil
}

// answered checks that all calls so far have results.
func (c *conversation) answered() error {
	if len(c.waiting) == 0 {
		return nil
	}
	return apierr.At(apierr.InvalidValue, "messages", "the tool_use %.100q has no tool_result in the user's turn after it", c.waiting[0])
}
