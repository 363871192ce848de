package chat

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/jinja"
)

// context builds the variables of a rendering. Everything that came with the
// request is marked as user text.
func (t *Template) context(r *Request, msgs []Message, c caps) (*jinja.Dict, error) {
	msgs = formOf(c.calls).withIDs(resultsInOrder(msgs))
	list := jinja.NewList()
	for i := range msgs {
		list.Append(t.message(msgs, i, c))
	}
	ctx := jinja.NewDict().Set("messages", list).Set("tools", jinja.None).Set("documents", jinja.None)
	if c.emptyTools {
		ctx.Set("tools", jinja.NewList())
	}
	if r.offersTools() {
		tools, err := toolList(r.Tools)
		if err != nil {
			return nil, err
		}
		ctx.Set("tools", tools)
	}
	ctx.Set("add_generation_prompt", true)
	for name, text := range map[string]string{
		"bos_token": t.model.BOS, "eos_token": t.model.EOS, "pad_token": t.model.Pad, "unk_token": t.model.Unk,
	} {
		if text != "" {
			ctx.Set(name, jinja.Text(text))
		}
	}
	if r.Thinking != nil {
		ctx.Set("enable_thinking", *r.Thinking).Set("thinking", *r.Thinking)
	}
	if r.Effort != "" {
		ctx.Set("reasoning_effort", jinja.User(r.Effort))
	}
	for name, raw := range r.Variables {
		if name == "messages" || name == "tools" {
			return nil, fmt.Errorf("template variable %s: it is made from the request and cannot be set", name)
		}
		v, err := jinja.FromJSON(raw)
		if err != nil {
			return nil, fmt.Errorf("template variable %s: %w", name, err)
		}
		ctx.Set(name, jinja.Mark(v))
	}
	return ctx, nil
}

// message turns message i into what a template expects.
func (t *Template) message(msgs []Message, i int, c caps) *jinja.Dict {
	m := &msgs[i]
	d := jinja.NewDict().Set("role", t.role(m.Role))
	text := m.marked()
	switch {
	case m.Text("") == "" && len(m.ToolCalls) > 0 && c.nullContent:
		d.Set("content", jinja.None)
	case c.parts:
		d.Set("content", jinja.NewList(jinja.NewDict().Set("type", jinja.Text("text")).Set("text", text)))
	default:
		d.Set("content", text)
	}
	if m.Reasoning != "" {
		// Templates disagree about the name; the reference offers all three.
		s := jinja.User(m.Reasoning)
		d.Set("reasoning_content", s).Set("reasoning", s).Set("thinking", s)
	}
	if len(m.ToolCalls) > 0 {
		d.Set("tool_calls", callList(m.ToolCalls, c))
	}
	if m.ToolCallID != "" {
		d.Set("tool_call_id", jinja.User(m.ToolCallID))
	}
	name := m.Name
	if name == "" && m.Role == ToolRole {
		name = calledName(msgs[:i], m.ToolCallID)
	}
	if name != "" {
		d.Set("name", jinja.User(name))
	}
	return d
}

// marked is the message's text as a template sees it: what was sent is marked as
// the user's, our own markup is not.
func (m *Message) marked() jinja.Str {
	var parts []jinja.Str
	for i, p := range m.Content {
		if p.Kind == partMarkup {
			parts = append(parts, jinja.Text(p.Text))
			continue
		}
		if i > 0 && m.Content[i-1].Kind != partMarkup {
			parts = append(parts, jinja.User("\n\n"))
		}
		parts = append(parts, jinja.User(p.Text))
	}
	return jinja.Concat(parts...)
}

// role maps developer to system for templates that do not know it. A role that
// is none of ours came from outside: it is user text.
func (t *Template) role(r Role) jinja.Value {
	switch r {
	case System, User, Assistant, ToolRole:
		return jinja.Text(string(r))
	case Developer:
		src := t.model.Template
		if !strings.Contains(src, `"developer"`) && !strings.Contains(src, "'developer'") {
			r = System
		}
		return jinja.Text(string(r))
	}
	return jinja.User(string(r))
}

// calledName finds the name of the tool that a call id belongs to.
func calledName(msgs []Message, id string) string {
	for i := len(msgs) - 1; i >= 0 && id != ""; i-- {
		for _, c := range msgs[i].ToolCalls {
			if c.ID == id {
				return c.Name
			}
		}
	}
	return ""
}

func callList(calls []ToolCall, c caps) *jinja.List {
	list := jinja.NewList()
	for _, call := range calls {
		var args jinja.Value = jinja.User(call.Arguments)
		if !c.textArgs {
			if v, err := jinja.FromJSON([]byte(call.Arguments)); err == nil {
				if _, ok := v.(*jinja.Dict); ok {
					args = jinja.Mark(v)
				}
			} else if strings.TrimSpace(call.Arguments) == "" {
				args = jinja.NewDict()
			}
		}
		d := jinja.NewDict()
		if call.ID != "" {
			d.Set("id", jinja.User(call.ID))
		}
		d.Set("type", jinja.Text("function"))
		d.Set("function", jinja.NewDict().Set("name", jinja.User(call.Name)).Set("arguments", args))
		list.Append(d)
	}
	return list
}

func toolList(tools []Tool) (*jinja.List, error) {
	list := jinja.NewList()
	for _, tool := range tools {
		f := jinja.NewDict().Set("name", jinja.User(tool.Name))
		if tool.Description != "" {
			f.Set("description", jinja.User(tool.Description))
		}
		if len(tool.Parameters) > 0 {
			v, err := jinja.FromJSON(tool.Parameters)
			if err != nil {
				return nil, fmt.Errorf("tool %q: parameters: %w", tool.Name, err)
			}
			f.Set("parameters", jinja.Mark(v))
		}
		list.Append(jinja.NewDict().Set("type", jinja.Text("function")).Set("function", f))
	}
	return list, nil
}
