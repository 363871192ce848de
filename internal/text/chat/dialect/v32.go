package dialect

import (
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

var dsmlV32 = dsml{block: "function_calls", rules: value.Rules{Python: true}, blank: true}

const v32ToolsHead = `

## Tools
You have access to a set of tools you can use to answer the user's question.
You can invoke functions by writing a "<｜DSML｜function_calls>" block like the following as part of your reply to the user:
<｜DSML｜function_calls>
<｜DSML｜invoke name="$FUNCTION_NAME">
<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>
...
</｜DSML｜invoke>
<｜DSML｜invoke name="$FUNCTION_NAME2">
...
</｜DSML｜invoke>
</｜DSML｜function_calls>
String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects should use JSON format. The "string" attribute should be set to "true" for string type parameters and "false" for other types (numbers, booleans, arrays, objects).
If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking block. Here is an example:
<｜DSML｜function_calls>
...
</｜DSML｜function_calls>
<function_results>
...
</function_results>
<think>...thinking about results</think>
Here are the functions available in JSONSchema format:
<functions>
`

// v32 renders one conversation in V3.2's format.
type v32 struct {
	writer
	turns []turn
	think bool
	last  int // the last user turn
}

// renderV32 writes the format of V3.2. The tools follow the first system
// message, or stand alone if there is none.
func renderV32(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	w := &v32{turns: turns, think: thinks(r), last: lastUser(turns)}
	w.token(tokBegin)
	first := firstSystem(turns)
	if first < 0 {
		if err := w.declare(r); err != nil {
			return nil, err
		}
	}
	p := &chat.Prompt{}
	open := false // an assistant's turn has begun
	for i := range turns {
		t := &turns[i]
		switch t.role {
		case chat.System:
			w.text(t.text)
			if i == first {
				if err := w.declare(r); err != nil {
					return nil, err
				}
			}
		case chat.User:
			w.token(tokUser)
			w.text(t.text)
			w.token(tokAssistant)
			p.Start = w.mode(i)
			open = true
		case chat.ToolRole:
			done, err := w.result(i)
			if err != nil {
				return nil, err
			}
			if done {
				w.text("\n\n")
				p.Start = w.mode(i)
			}
			open = true
		case chat.Assistant:
			if i == len(turns)-1 && prefixed(turns) {
				w.prefix(i, open, p)
				return p, nil
			}
			if err := w.answer(i); err != nil {
				return nil, err
			}
			open = false
		}
	}
	if !open && w.last >= 0 {
		w.token(tokAssistant)
		p.Start = w.mode(len(turns))
	}
	p.Spans = w.done()
	return p, nil
}

// declare writes the tools and the form of the answer.
func (w *v32) declare(r *chat.Request) error {
	if tools := toolsOf(r); len(tools) > 0 {
		w.markup(v32ToolsHead, tokDSML, tokThink, tokThinkEnd)
		for i := range tools {
			v, err := function(&tools[i])
			if err != nil {
				return err
			}
			w.text(dsmlV32.style.Print(&v), "\n")
		}
		w.text("</functions>\n")
	}
	return dsmlV32.format(&w.writer, &r.Output)
}

// mode opens the reasoning if turn i belongs to the last user turn, and closes
// it otherwise.
func (w *v32) mode(i int) chat.ParseStart {
	if w.think && i >= w.last {
		w.token(tokThink)
		return chat.StartReasoning
	}
	w.token(tokThinkEnd)
	return chat.StartContent
}

// result writes the result of a call and reports whether it was the last one
// of its block. Results stand in the order in which they came.
func (w *v32) result(i int) (last bool, err error) {
	at := i - 1
	for at >= 0 && w.turns[at].role == chat.ToolRole {
		at--
	}
	if at < 0 || w.turns[at].role != chat.Assistant || len(w.turns[at].ToolCalls) < i-at {
		return false, fmt.Errorf("message %d is the result of no call", i)
	}
	if i-at == 1 {
		w.text("\n\n<function_results>")
	}
	w.text("\n<result>", w.turns[i].text, "</result>")
	if i-at < len(w.turns[at].ToolCalls) {
		return false, nil
	}
	w.text("\n</function_results>")
	return true, nil
}

// answer writes an assistant's closed turn. The reasoning since the last user
// turn is kept.
func (w *v32) answer(i int) error {
	t := &w.turns[i]
	if w.think && i > w.last {
		w.text(t.Reasoning)
		w.token(tokThinkEnd)
	}
	w.text(t.text)
	if len(t.ToolCalls) > 0 {
		if err := dsmlV32.calls(&w.writer, t.ToolCalls); err != nil {
			return err
		}
	}
	w.token(tokEnd)
	return nil
}

// prefix writes an assistant's turn that is to be continued, after the think
// token that the turn before ended with.
func (w *v32) prefix(i int, open bool, p *chat.Prompt) {
	t := &w.turns[i]
	if !open {
		w.token(tokAssistant)
		p.Start = w.mode(i)
	}
	if p.Start == chat.StartReasoning {
		w.text(t.Reasoning)
		p.Start = chat.StartReasoningContinued
		if t.text != "" {
			w.token(tokThinkEnd)
			p.Start = chat.StartContentContinued
		}
	}
	w.text(t.text)
	p.Spans = w.done()
}

func lastUser(turns []turn) int {
	for i, t := range slices.Backward(turns) {
		if t.role == chat.User {
			return i
		}
	}
	return -1
}

func firstSystem(turns []turn) int {
	return slices.IndexFunc(turns, func(t turn) bool { return t.role == chat.System })
}
