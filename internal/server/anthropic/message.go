package anthropic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// message is one turn as clients send it.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // string or blocks
}

// A conversation is the wire's messages as they become ours. A turn of a user
// that holds results of tools becomes several messages.
type conversation struct {
	msgs       []chat.Message
	signatures map[int]string  // of an assistant's thinking, by message
	known      map[string]bool // ids of all calls so far
	waiting    []string        // those of them that have no result yet
}

// toMessages turns the system prompt and the messages into ours.
func toMessages(system json.RawMessage, in []json.RawMessage) (*conversation, error) {
	c := &conversation{signatures: map[int]string{}, known: map[string]bool{}}
	if err := c.system(system, "system"); err != nil {
		return nil, err
	}
	for i, raw := range in {
		if err := c.message(raw, fmt.Sprintf("messages[%d]", i)); err != nil {
			return nil, err
		}
	}
	return c, c.end()
}

func (c *conversation) message(raw json.RawMessage, at string) error {
	var m message
	if err := object(raw, &m, at, decode.Fields{}); err != nil {
		return err
	}
	switch m.Role {
	case "user":
		return c.user(m.Content, at+".content")
	case "assistant":
		return c.assistant(m.Content, at+".content")
	case "system":
		return c.system(m.Content, at+".content")
	case "":
		return apierr.Missing(at + ".role")
	}
	return apierr.BadValue(at+".role", m.Role, `"user", "assistant" or "system"`)
}

// end checks how the conversation ends, and opens a last turn of the assistant:
// the answer continues it.
func (c *conversation) end() error {
	if err := c.answered(); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.msgs, func(m chat.Message) bool { return m.Role != chat.System }) {
		return apierr.At(apierr.MissingField, "messages", "'messages' is missing or empty: there is nothing to answer")
	}
	if last := &c.msgs[len(c.msgs)-1]; last.Role == chat.Assistant {
		last.Prefix = true
	}
	return nil
}

// add appends a message. Turns of one speaker that follow each other are one, as
// the API has it.
func (c *conversation) add(m chat.Message) *chat.Message {
	if n := len(c.msgs); n > 0 {
		last := &c.msgs[n-1]
		if last.Role == m.Role && (m.Role == chat.User || m.Role == chat.Assistant) {
			last.Content = append(last.Content, m.Content...)
			return last
		}
	}
	c.msgs = append(c.msgs, m)
	return &c.msgs[len(c.msgs)-1]
}

// billing begins a text that Claude Code puts in front of its system prompt. It
// is an account of the request, not an instruction, and has another number each
// time: with it no two prompts would have a beginning in common.
const billing = "x-anthropic-billing-header:"

// system adds a system prompt, which may be absent.
func (c *conversation) system(raw json.RawMessage, at string) error {
	if absent(raw) {
		if at == "system" {
			return nil
		}
		return apierr.Missing(at)
	}
	texts, err := texts(raw, at)
	if err != nil {
		return err
	}
	var parts []chat.Part
	for _, t := range texts {
		if strings.HasPrefix(t, billing) {
			_, t, _ = strings.Cut(t, "\n")
		}
		if t != "" {
			parts = append(parts, chat.Part{Text: t})
		}
	}
	if parts != nil {
		c.add(chat.Message{Role: chat.System, Content: parts})
	}
	return nil
}

// user adds a user's turn. The results of tools in it are messages of their own.
func (c *conversation) user(raw json.RawMessage, at string) error {
	if absent(raw) {
		return apierr.Missing(at)
	}
	if raw[0] == '"' {
		t, err := texts(raw, at)
		if err == nil {
			c.add(chat.Message{Role: chat.User, Content: chat.Text(t[0])})
		}
		return err
	}
	blocks, err := list(raw, at)
	if err != nil {
		return err
	}
	if len(blocks) == 0 {
		return apierr.At(apierr.InvalidValue, at, "'%s' is empty, but a user's turn must have content", at)
	}
	for i, b := range blocks {
		if err := c.userBlock(b, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *conversation) userBlock(raw json.RawMessage, at string) error {
	typ, err := typeOf(raw, at)
	if err != nil {
		return err
	}
	switch typ {
	case "text":
		t, err := textOf(raw, at)
		if err == nil {
			c.add(chat.Message{Role: chat.User, Content: chat.Text(t)})
		}
		return err
	case "tool_result":
		return c.result(raw, at)
	}
	return refuse(typ, at, `"text" or "tool_result"`)
}

// assistant adds an assistant's turn.
func (c *conversation) assistant(raw json.RawMessage, at string) error {
	if absent(raw) {
		return apierr.Missing(at)
	}
	if n := len(c.msgs); n > 0 && c.msgs[n-1].Role != chat.Assistant {
		if err := c.answered(); err != nil {
			return err
		}
	}
	m := c.add(chat.Message{Role: chat.Assistant})
	if raw[0] == '"' {
		t, err := texts(raw, at)
		if err == nil {
			m.Content = append(m.Content, chat.Part{Text: t[0]})
		}
		return err
	}
	blocks, err := list(raw, at)
	if err != nil {
		return err
	}
	for i, b := range blocks {
		if err := c.assistantBlock(m, b, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *conversation) assistantBlock(m *chat.Message, raw json.RawMessage, at string) error {
	typ, err := typeOf(raw, at)
	if err != nil {
		return err
	}
	switch typ {
	case "text":
		t, err := textOf(raw, at)
		m.Content = append(m.Content, chat.Part{Text: t})
		return err
	case "thinking":
		return c.thought(m, raw, at)
	case "redacted_thinking":
		return c.redacted(raw, at)
	case "tool_use":
		return c.call(m, raw, at)
	}
	return refuse(typ, at, `"text", "thinking", "redacted_thinking" or "tool_use"`)
}

// refuse is the error about a block that cannot be read.
func refuse(typ, at, expected string) error {
	switch typ {
	case "image", "document", "container_upload":
		return apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %q, but the models here read text only: send it as a text block", at, typ)
	case "server_tool_use", "mcp_tool_use", "search_result":
		return apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %q, but only %s is supported here", at, typ, expected)
	}
	return apierr.BadValue(at+".type", typ, expected)
}
