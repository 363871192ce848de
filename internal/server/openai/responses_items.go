package openai

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A transcript becomes a list of messages. Items are finer than messages: an
// assistant's reasoning, text and calls are items of their own, and one turn of
// ours together.
type transcript struct {
	messages []chat.Message
	open     bool // the last message is an assistant's that more may join
	calls    map[string]bool
}

// inputItem has the fields of every kind of item.
type inputItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
	Summary   []part          `json:"summary"`
	Encrypted *string         `json:"encrypted_content"`
}

// add takes one item.
func (t *transcript) add(raw json.RawMessage, at string) error {
	var i inputItem
	if err := decode.Value(raw, &i, at); err != nil {
		return err
	}
	switch i.Type {
	case "message", "":
		return t.message(&i, at)
	case "reasoning":
		return t.reasoning(&i, at)
	case "function_call":
		return t.call(&i, at)
	case "function_call_output":
		return t.output(&i, at)
	}
	return apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %.100q, but only message, reasoning, function_call and function_call_output are supported", at, i.Type)
}

func (t *transcript) message(i *inputItem, at string) error {
	if i.Role == "tool" {
		return apierr.BadValue(at+".role", i.Role, `one of "system", "developer", "user", "assistant"; tools answer with items of the type function_call_output`)
	}
	m := message{Role: i.Role, Content: i.Content}
	var out chat.Message
	if err := m.into(&out, at); err != nil {
		return err
	}
	if out.Role == chat.Assistant {
		a := t.assistant(func(m *chat.Message) bool { return m.Content == nil && m.ToolCalls == nil })
		a.Content = out.Content
		return nil
	}
	t.messages, t.open = append(t.messages, out), false
	return nil
}

// assistant returns the open turn if it fits, otherwise a new one.
func (t *transcript) assistant(fits func(*chat.Message) bool) *chat.Message {
	if n := len(t.messages); t.open && fits(&t.messages[n-1]) {
		return &t.messages[n-1]
	}
	t.messages, t.open = append(t.messages, chat.Message{Role: chat.Assistant}), true
	return &t.messages[len(t.messages)-1]
}

func (t *transcript) reasoning(i *inputItem, at string) error {
	var parts []part
	if !absent(i.Content) {
		if err := decode.Value(i.Content, &parts, at+".content"); err != nil {
			return err
		}
	}
	if len(parts) == 0 && i.Encrypted != nil {
		text, err := unseal(*i.Encrypted)
		if err != nil {
			return apierr.At(apierr.InvalidValue, at+".encrypted_content", "'%s.encrypted_content' was not made by this server", at)
		}
		parts = []part{{Type: "reasoning_text", Text: &text}}
	}
	if len(parts) == 0 {
		parts = i.Summary
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Text != nil {
			b.WriteString(*p.Text)
		}
	}
	a := t.assistant(func(m *chat.Message) bool { return m.Content == nil && m.ToolCalls == nil })
	a.Reasoning += b.String()
	return nil
}

func (t *transcript) call(i *inputItem, at string) error {
	switch {
	case i.CallID == "":
		return apierr.Missing(at + ".call_id")
	case i.Name == "":
		return apierr.Missing(at + ".name")
	}
	if t.calls == nil {
		t.calls = map[string]bool{}
	}
	t.calls[i.CallID] = true
	a := t.assistant(func(*chat.Message) bool { return true })
	a.ToolCalls = append(a.ToolCalls, chat.ToolCall{ID: i.CallID, Name: i.Name, Arguments: i.Arguments})
	return nil
}

func (t *transcript) output(i *inputItem, at string) error {
	if !t.calls[i.CallID] {
		return apierr.At(apierr.InvalidValue, at+".call_id", "there is no function_call with the call_id %.100q before its output", i.CallID)
	}
	parts, err := content(i.Output, at+".output")
	if err != nil {
		return err
	}
	if parts == nil {
		return apierr.Missing(at + ".output")
	}
	t.messages, t.open = append(t.messages, chat.Message{Role: chat.ToolRole, ToolCallID: i.CallID, Content: parts}), false
	return nil
}

// sealed begins a sealed text, and says which form it has.
const sealed = "hf1."

// seal makes what OpenAI calls encrypted content: reasoning that a client keeps
// and sends back without looking into it. There is nothing secret in it here,
// for the text is in the same item.
func seal(text string) *string {
	s := sealed + base64.RawURLEncoding.EncodeToString([]byte(text))
	return &s
}

func unseal(s string) (string, error) {
	rest, ok := strings.CutPrefix(s, sealed)
	if !ok {
		return "", errors.New("openai: not sealed here")
	}
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("openai: not text")
	}
	return string(b), err
}
