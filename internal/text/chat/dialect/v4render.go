package dialect

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// render writes the formats of V4 from July 2026 on and of V4.1.
func (k *v4Kind) render(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	if err := checkResults(turns); err != nil {
		return nil, err
	}
	tools := toolsOf(r)
	force := len(tools) > 0 && (r.ToolChoice.Mode == chat.ToolRequired || r.ToolChoice.Mode == chat.ToolNamed)
	think := thinks(r)
	if force && think {
		if r.Thinking != nil {
			return nil, ErrThinkingChoice
		}
		think = false
	}
	var w writer
	turns, err := k.head(&w, r, turns, think)
	if err != nil {
		return nil, err
	}
	order := map[string]int{}
	open := prefixed(turns)
	for i := 0; i < len(turns); {
		t := &turns[i]
		switch t.role {
		case chat.User, chat.ToolRole:
			var blocks []block
			blocks, i = userBlocks(turns, i, order)
			k.user(&w, blocks)
			continue
		case chat.System:
			w.token(tokSystem)
			w.text(t.text)
		case LatestReminder:
			if k.v41 && i > 0 && turns[i-1].role == LatestReminder {
				break // of reminders in a row V4.1 shows the first
			}
			w.token(tokReminder)
			w.text(t.text)
		case chat.Assistant:
			if open && i == len(turns)-1 {
				return prefixV4(&w, t, think), nil
			}
			calls := k.ordered(t.ToolCalls)
			if err := k.answer(&w, t, calls, think && len(tools) > 0); err != nil {
				return nil, err
			}
			if len(calls) > 0 {
				learn(order, calls)
			}
		}
		i++
	}
	p := &chat.Prompt{}
	w.token(tokAssistant)
	switch {
	case think:
		w.token(tokThink)
		p.Start = chat.StartReasoning
	case force:
		w.token(tokThinkEnd)
		k.openBlock(&w)
		p.Start = chat.StartToolCalls
	default:
		w.token(tokThinkEnd)
	}
	p.Spans = w.done()
	return p, nil
}

// head writes what stands before the conversation, and returns the turns that
// are left: V4 moves all systems here, V4.1 one that comes first.
func (k *v4Kind) head(w *writer, r *chat.Request, turns []turn, think bool) ([]turn, error) {
	system := ""
	tools := toolsOf(r)
	turns = dropEmptyPrefix(dropEmptySystems(turns))
	if k.v41 {
		if len(turns) == 0 && len(tools) == 0 && r.Output.Kind == chat.OutputText {
			think = false // the effort is part of the first message
		}
		if len(turns) > 0 && turns[0].role == chat.System {
			system, turns = turns[0].text, turns[1:]
		}
	} else {
		system = systems(turns)
		turns = slices.DeleteFunc(turns, func(t turn) bool { return t.role == chat.System })
	}
	w.token(tokBegin)
	if k.v41 && (think || system != "" || len(tools) > 0 || r.Output.Kind != chat.OutputText) {
		w.token(tokSystem)
	}
	if think {
		w.text(k.effort(r.Effort))
	}
	w.text(system)
	if err := k.listTools(w, tools); err != nil {
		return nil, err
	}
	return turns, k.jsonWish(w, &r.Output)
}

// dropEmptySystems returns the turns without the systems that say nothing.
func dropEmptySystems(turns []turn) []turn {
	out := make([]turn, 0, len(turns))
	for _, t := range turns {
		if t.role != chat.System || t.text != "" {
			out = append(out, t)
		}
	}
	return out
}

// answer writes an assistant's closed turn. Its reasoning is shown only while
// reasoning is on and tools are declared: then all of it, empty or not.
func (k *v4Kind) answer(w *writer, t *turn, calls []chat.ToolCall, keep bool) error {
	w.token(tokAssistant)
	if keep {
		w.token(tokThink)
		w.text(t.Reasoning)
	}
	w.token(tokThinkEnd)
	w.text(t.text)
	if len(calls) > 0 {
		if err := k.calls(w, calls); err != nil {
			return err
		}
	}
	w.token(tokEnd)
	return nil
}

// prefixV4 writes an assistant's turn that is to be continued.
func prefixV4(w *writer, t *turn, think bool) *chat.Prompt {
	p := &chat.Prompt{Start: chat.StartContent}
	w.token(tokAssistant)
	if think {
		w.token(tokThink)
		w.text(t.Reasoning)
		p.Start = chat.StartReasoningContinued
		if t.text != "" {
			p.Start = chat.StartContentContinued
		}
	}
	if t.text != "" || !think {
		w.token(tokThinkEnd)
		w.text(t.text)
	}
	p.Spans = w.done()
	return p
}

// renderApril writes the format of V4 of April 2026.
func (k *v4Kind) renderApril(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	w, think := &writer{}, thinks(r)
	w.token(tokBegin)
	if think {
		w.text(k.effort(r.Effort))
	}
	first := firstSystem(turns)
	if first < 0 {
		if err := k.declare(w, r); err != nil {
			return nil, err
		}
	}
	keepAll := think && len(toolsOf(r)) > 0
	last := lastAsked(turns)
	order := map[string]int{}
	p := &chat.Prompt{}
	open := false // the assistant's turn has begun
	for i := 0; i < len(turns); {
		t := &turns[i]
		switch t.role {
		case chat.User, chat.ToolRole:
			var blocks []block
			blocks, i = userBlocks(turns, i, order)
			k.user(w, blocks)
			if open = i == len(turns) || turns[i].role == chat.Assistant || turns[i].role == LatestReminder; open {
				p.Start = beginTurn(w, think && (keepAll || i > last))
			}
			continue
		case chat.System:
			w.text(t.text)
			if i == first {
				if err := k.declare(w, r); err != nil {
					return nil, err
				}
			}
		case LatestReminder:
			w.token(tokReminder)
			w.text(t.text)
		case chat.Assistant:
			if i == len(turns)-1 && prefixed(turns) {
				return prefixApril(w, t, p, open, think), nil
			}
			if open && p.Start == chat.StartReasoning {
				w.text(t.Reasoning)
				w.token(tokThinkEnd)
			}
			w.text(t.text)
			if len(t.ToolCalls) > 0 {
				if err := k.calls(w, t.ToolCalls); err != nil {
					return nil, err
				}
				learn(order, t.ToolCalls)
			}
			w.token(tokEnd)
			open = false
		}
		i++
	}
	if !open && last >= 0 {
		p.Start = beginTurn(w, think)
	}
	p.Spans = w.done()
	return p, nil
}

// declare writes the tools and the form of the answer.
func (k *v4Kind) declare(w *writer, r *chat.Request) error {
	if err := k.listTools(w, toolsOf(r)); err != nil {
		return err
	}
	return k.jsonWish(w, &r.Output)
}

// beginTurn opens an assistant's turn.
func beginTurn(w *writer, think bool) chat.ParseStart {
	if think {
		w.token(tokAssistant, tokThink)
		return chat.StartReasoning
	}
	w.token(tokAssistant, tokThinkEnd)
	return chat.StartContent
}

// prefixApril writes an assistant's turn that is to be continued, after the
// tokens that the user's turn ended with.
func prefixApril(w *writer, t *turn, p *chat.Prompt, open, think bool) *chat.Prompt {
	if !open {
		p.Start = beginTurn(w, think)
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
	return p
}

// lastAsked returns the last turn of a user or a tool.
func lastAsked(turns []turn) int {
	for i, t := range slices.Backward(turns) {
		if t.role == chat.User || t.role == chat.ToolRole {
			return i
		}
	}
	return -1
}
