package dialect

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

const v31ToolsHead = "\n\n## Tools\nYou have access to the following tools:\n"

// v31ToolsEnd follows the tools of V3.1. The doubled braces stand in the
// original text.
const v31ToolsEnd = "\nIMPORTANT: ALWAYS adhere to this exact format for tool use:\n" +
	tokCalls + tokCall + "tool_call_name" + tokSep + "tool_call_arguments" + tokCallEnd + "{{additional_tool_calls}}" + tokCallsEnd +
	"\n\nWhere:\n\n- `tool_call_name` must be an exact match to one of the available tools\n" +
	"- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n" +
	"- For multiple tool calls, chain them directly without separators or spaces\n"

// describeTools writes the tools as V3.1's model card does.
func describeTools(w *writer, tools []chat.Tool) error {
	if len(tools) == 0 {
		return nil
	}
	w.text(v31ToolsHead)
	for i := range tools {
		t := &tools[i]
		params, err := parameters(t)
		if err != nil {
			return err
		}
		w.text("\n### ", t.Name, "\nDescription: ", t.Description, "\n\nParameters: ", value.Style{}.Print(&params), "\n")
	}
	w.markup(v31ToolsEnd, tokCalls, tokCall, tokSep, tokCallEnd, tokCallsEnd)
	return nil
}

// bareCalls writes the calls of V3.1.
func bareCalls(w *writer, calls []chat.ToolCall) {
	w.token(tokCalls)
	for _, c := range calls {
		w.token(tokCall)
		w.text(c.Name)
		w.token(tokSep)
		w.text(c.Arguments)
		w.token(tokCallEnd)
	}
	w.token(tokCallsEnd)
}

// renderV31 writes the format of V3.1.
func renderV31(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	var w writer
	w.token(tokBegin)
	w.text(systems(turns))
	if err := describeTools(&w, toolsOf(r)); err != nil {
		return nil, err
	}
	open, last := prefixed(turns), chat.Role("")
	for i, t := range turns {
		switch t.role {
		case chat.System:
			continue
		case chat.User:
			w.token(tokUser)
			w.text(t.text)
		case chat.ToolRole:
			w.token(tokOutput)
			w.text(t.text)
			w.token(tokOutputEnd)
		case chat.Assistant:
			if open && i == len(turns)-1 {
				return openV31(&w, &t, last, thinks(r))
			}
			answerV31(&w, &t, last)
		}
		last = t.role
	}
	p := &chat.Prompt{}
	switch {
	case last == chat.ToolRole, last == "":
		// The model goes on after a result; without any turn the template adds
		// nothing either.
	case thinks(r):
		w.token(tokAssistant, tokThink)
		p.Start = chat.StartReasoning
	default:
		w.token(tokAssistant, tokThinkEnd)
	}
	p.Spans = w.done()
	return p, nil
}

// answerV31 writes an assistant's closed turn.
func answerV31(w *writer, t *turn, last chat.Role) {
	if last == chat.User {
		w.token(tokAssistant, tokThinkEnd)
	}
	text := t.text
	if last != chat.ToolRole && len(t.ToolCalls) == 0 {
		if _, after, ok := strings.Cut(text, tokThinkEnd); ok {
			text = after
		}
	}
	w.text(text)
	if len(t.ToolCalls) > 0 {
		bareCalls(w, t.ToolCalls)
	}
	w.token(tokEnd)
}

// openV31 writes an assistant's turn that is to be continued.
func openV31(w *writer, t *turn, last chat.Role, think bool) (*chat.Prompt, error) {
	p := &chat.Prompt{Start: chat.StartContent}
	switch {
	case think && t.text == "":
		if last != chat.ToolRole {
			w.token(tokAssistant)
		}
		w.token(tokThink)
		w.text(t.Reasoning)
		p.Start = chat.StartReasoningContinued
	case last == chat.ToolRole:
		w.text(t.text)
	default:
		w.token(tokAssistant, tokThinkEnd)
		_, after, ok := strings.Cut(t.text, tokThinkEnd)
		if !ok {
			after = t.text
		}
		w.text(after)
		if think {
			p.Start = chat.StartContentContinued
		}
	}
	p.Spans = w.done()
	return p, nil
}
