package chat

import (
	"encoding/json"
	"slices"
	"strings"
)

// caps is what a template can do, found out by trying it.
type caps struct {
	system      bool   // it shows a system message
	tools       bool   // it shows the declared tools
	calls       string // how it writes calls, if that can be read back
	parts       bool   // it wants content as a list of parts
	textArgs    bool   // it wants a call's arguments as text, not as an object
	nullContent bool   // it wants absent content as none next to calls
	emptyTools  bool   // it wants no tools as an empty list
	thinkSwitch bool   // its prompt depends on whether thinking is on
}

// Texts that no template contains.
const (
	probeUser   = "holdfast-probe-user"
	probeSystem = "holdfast-probe-system"
	probeTool   = "holdfast_probe_tool"
	probeKey    = "holdfast_probe_key"
	probeValue  = "holdfast-probe-value"
	probeResult = "holdfast-probe-result"
)

// probe tries the template once and keeps what it found.
func (t *Template) probe() caps {
	t.once.Do(func() { t.caps = t.findCaps() })
	return t.caps
}

func (t *Template) findCaps() caps {
	c := caps{}
	user := Message{Role: User, Content: Text(probeUser)}
	for _, form := range []caps{{}, {parts: true}, {emptyTools: true}} {
		if t.shows(form, nil, []Message{user}, probeUser) {
			c = form
			break
		}
	}
	on, _ := t.render(&Request{Thinking: new(true)}, []Message{user}, c)
	off, _ := t.render(&Request{Thinking: new(false)}, []Message{user}, c)
	c.thinkSwitch = on != nil && off != nil && on.Text() != off.Text()
	c.system = t.shows(c, nil, []Message{{Role: System, Content: Text(probeSystem)}, user}, probeSystem)
	tool := Tool{
		Name: probeTool, Description: "A tool.",
		Parameters: json.RawMessage(`{"type": "object", "properties": {"` + probeKey + `": {"type": "string", "description": "A key."}}, "required": ["` + probeKey + `"]}`),
	}
	c.tools = t.shows(c, []Tool{tool}, []Message{user}, probeTool) ||
		t.shows(c, []Tool{tool}, []Message{{Role: System, Content: Text(probeSystem)}, user}, probeTool)
	t.findCalls(&c, user, tool)
	return c
}

// shows reports whether a rendering succeeds and has the text in it.
func (t *Template) shows(c caps, tools []Tool, msgs []Message, text string) bool {
	out, err := t.try(c, tools, msgs)
	return err == nil && strings.Contains(out, text)
}

func (t *Template) try(c caps, tools []Tool, msgs []Message) (string, error) {
	p, err := t.render(&Request{Tools: tools}, msgs, c)
	if err != nil {
		return "", err
	}
	return p.Text(), nil
}

// findCalls finds the form of calls that the template prints well: arguments as
// an object or as text, absent content as none or as an empty text. From what it
// prints it finds the model's own way to write calls; if the template shows no
// results of calls it can do nothing with them.
func (t *Template) findCalls(c *caps, user Message, tool Tool) {
	call := ToolCall{ID: "call00001", Name: probeTool, Arguments: `{"` + probeKey + `": "` + probeValue + `"}`}
	turns := []Message{
		user,
		{Role: Assistant, ToolCalls: []ToolCall{call}},
		{Role: ToolRole, Content: Text(probeResult), ToolCallID: call.ID, Name: probeTool},
	}
	// Some templates insist on an answer between the result and the next question.
	answered := Message{Role: Assistant, Content: Text("Yes.")}
	for _, msgs := range [][]Message{append(slices.Clip(turns), user), append(slices.Clip(turns), answered, user)} {
		for _, form := range [][2]bool{{false, true}, {false, false}, {true, true}, {true, false}} {
			try := *c
			try.textArgs, try.nullContent = form[0], form[1]
			for _, tools := range [][]Tool{{tool}, nil} {
				if out, err := t.try(try, tools, msgs); err == nil && wellPrinted(out) {
					*c = try
					if strings.Contains(out, probeResult) {
						c.calls = callsIn(out)
					}
					return
				}
			}
		}
	}
}

// wellPrinted reports whether the probe's call is in the prompt with arguments
// that are neither Python's way to print a dict nor JSON within JSON.
func wellPrinted(out string) bool {
	i := strings.LastIndex(out, probeValue)
	if i < 0 || strings.Contains(out, "'"+probeKey+"'") || strings.Contains(out, `\"`+probeKey) {
		return false
	}
	return strings.Contains(out[:i], probeKey) && !strings.Contains(out, "None")
}
