package chat

import (
	"encoding/json"
	"slices"
	"strings"
)

// defaultTools gives tools to a format that has none: a text of ours at the end of
// the system message describes them, calls are written as CallsHermes, and results
// are turns of the user. Everything else stays the format's own. What it is asked
// without tools goes through unchanged.
type defaultTools struct {
	inner  Format
	think  thinkTags
	markup bool // inner tells our markup from the user's text
}

// Info describes the inner format, with tools.
func (d *defaultTools) Info() FormatInfo {
	i := d.inner.Info()
	if !i.Tools {
		i.Tools, i.Calls = true, CallsHermes
	}
	return i
}

// Render renders a conversation.
func (d *defaultTools) Render(r *Request) (*Prompt, error) {
	if !usesTools(r) || d.inner.Info().Tools {
		return d.inner.Render(r)
	}
	return d.inner.Render(d.rewrite(r))
}

// NewParser returns a parser for the answer.
func (d *defaultTools) NewParser(start ParseStart, o ParserOptions) Parser {
	if !o.Tools || d.inner.Info().Tools {
		return d.inner.NewParser(start, o)
	}
	return newAnswerParser(d.think, CallsHermes, start, o)
}

// usesTools reports whether there are tools in a request, or calls in its past.
func usesTools(r *Request) bool {
	return r.offersTools() || slices.ContainsFunc(r.Messages, func(m Message) bool {
		return m.Role == ToolRole || len(m.ToolCalls) > 0
	})
}

// rewrite says a request without tools and calls, in texts.
func (d *defaultTools) rewrite(r *Request) *Request {
	out := *r
	out.Tools, out.ToolChoice = nil, ToolChoice{}
	out.Messages = make([]Message, 0, len(r.Messages)+1)
	results := false // the last message is one of results
	for _, m := range r.Messages {
		more := results
		results = m.Role == ToolRole
		switch {
		case results:
			parts := d.around("<tool_response>\n", m.Text("\n\n"), "\n</tool_response>")
			if n := len(out.Messages); more {
				last := &out.Messages[n-1]
				last.Content = d.join(last.Content, d.around("\n", "", ""), parts)
				continue
			}
			m = Message{Role: User, Content: parts}
		case len(m.ToolCalls) > 0:
			m.Content, m.ToolCalls = d.calls(&m), nil
		}
		out.Messages = append(out.Messages, m)
	}
	if r.offersTools() {
		d.describe(r, &out)
	}
	return &out
}

// around puts markup around a text.
func (d *defaultTools) around(before, text, after string) []Part {
	if !d.markup {
		return Text(before + text + after)
	}
	parts := []Part{{Kind: partMarkup, Text: before}, {Text: text}, {Kind: partMarkup, Text: after}}
	return slices.DeleteFunc(parts, func(p Part) bool { return p.Text == "" })
}

// join puts texts together with nothing between them.
func (d *defaultTools) join(texts ...[]Part) []Part {
	all := slices.Concat(texts...)
	if d.markup {
		return all
	}
	m := Message{Content: all}
	return Text(m.Text(""))
}

// calls is the content of an assistant's turn with its calls.
func (d *defaultTools) calls(m *Message) []Part {
	var parts []Part
	if text := m.Text("\n\n"); text != "" {
		parts = d.around("", text, "\n")
	}
	for i, c := range m.ToolCalls {
		open := "<tool_call>\n"
		if i > 0 {
			open = "\n" + open
		}
		args := strings.TrimSpace(c.Arguments)
		if args == "" {
			args = "{}"
		}
		parts = d.join(parts, d.around(open, `{"name": `+quote(c.Name)+`, "arguments": `+args+`}`, "\n</tool_call>"))
	}
	return parts
}

// The words that describe the tools. They are few: a small model reads them, too.
const (
	toolsHead = "# Tools\n\nYou can call these functions:\n"
	toolsForm = "\nTo call a function, write its name and its arguments as JSON between these tags:\n" +
		"<tool_call>\n{\"name\": \"the name\", \"arguments\": {\"an argument\": \"its value\"}}\n</tool_call>\n" +
		"The result then comes between <tool_response> and </tool_response>."
	toolsMany = " Independent calls can follow each other, each in tags of its own."
	toolsAuto = " Where no function helps, answer without a call."
	toolsMust = " Call a function now."
	toolsName = " Call this function now: "
)

// describe adds the tools to the system message, or makes one.
func (d *defaultTools) describe(r, out *Request) {
	var list strings.Builder
	for _, t := range r.Tools {
		list.WriteString(declaration(&t))
		list.WriteByte('\n')
	}
	end := toolsForm
	if r.ParallelCalls == nil || *r.ParallelCalls {
		end += toolsMany
	}
	text := d.around(toolsHead, list.String(), end)
	switch r.ToolChoice.Mode {
	case ToolRequired:
		text = d.join(text, d.around(toolsMust, "", ""))
	case ToolNamed:
		text = d.join(text, d.around(toolsName, r.ToolChoice.Name, "."))
	default:
		text = d.join(text, d.around(toolsAuto, "", ""))
	}
	for i := range out.Messages {
		if m := &out.Messages[i]; m.Role == System || m.Role == Developer {
			m.Content = joinParts(m.Content, text)
			return
		}
	}
	out.Messages = append([]Message{{Role: System, Content: text}}, out.Messages...)
}

// declaration is a tool in one line of JSON.
func declaration(t *Tool) string {
	if len(t.Source) > 0 {
		return oneLine(t.Source)
	}
	s := `{"name": ` + quote(t.Name)
	if t.Description != "" {
		s += `, "description": ` + quote(t.Description)
	}
	if len(t.Parameters) > 0 {
		s += `, "parameters": ` + oneLine(t.Parameters)
	}
	return s + "}"
}

// oneLine removes line breaks between values; within strings JSON has none.
func oneLine(raw json.RawMessage) string {
	return strings.Join(strings.FieldsFunc(string(raw), func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// quote writes a JSON string as models do, without escapes for HTML.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
