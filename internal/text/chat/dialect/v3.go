package dialect

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// renderV3 writes the format of V2.5 and V3, and with think that of R1.
// Systems go to the front; of several, R1 shows the last.
func renderV3(think bool) renderFunc {
	return func(r *chat.Request, turns []turn) (*chat.Prompt, error) {
		var w writer
		w.token(tokBegin)
		system := systems(turns)
		if think {
			system = lastSystem(turns)
		}
		w.text(system)
		if err := listTools(&w, toolsOf(r)); err != nil {
			return nil, err
		}
		open, outputs := prefixed(turns), false
		for i, t := range turns {
			closeOutputs(&w, t.role, &outputs)
			switch t.role {
			case chat.User:
				outputs = false
				w.token(tokUser)
				w.text(t.text)
			case chat.ToolRole:
				output(&w, t.text, &outputs)
			case chat.Assistant:
				if !afterOutput(turns, i) {
					w.token(tokAssistant)
				}
				if open && i == len(turns)-1 {
					return openTurn(&w, &t, think)
				}
				answer(&w, &t, think)
			}
		}
		if outputs {
			w.token(tokOutputsEnd)
			return &chat.Prompt{Spans: w.done()}, nil
		}
		w.token(tokAssistant)
		if !think {
			return &chat.Prompt{Spans: w.done()}, nil
		}
		w.token(tokThink)
		w.text("\n")
		return &chat.Prompt{Spans: w.done(), Start: chat.StartReasoning}, nil
	}
}

// renderR10528 writes the format of R1-0528. Its assistant token belongs to the
// user's turn, and the model opens the reasoning itself.
func renderR10528(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	var w writer
	w.token(tokBegin)
	w.text(systems(turns))
	if err := listTools(&w, toolsOf(r)); err != nil {
		return nil, err
	}
	open, outputs := prefixed(turns), false
	last := chat.Role("")
	for i, t := range turns {
		closeOutputs(&w, t.role, &outputs)
		switch t.role {
		case chat.System:
			continue
		case chat.User:
			outputs = false
			w.token(tokUser)
			w.text(t.text)
			w.token(tokAssistant)
		case chat.ToolRole:
			output(&w, t.text, &outputs)
		case chat.Assistant:
			if open && i == len(turns)-1 {
				return openTurn(&w, &t, true)
			}
			answer(&w, &t, true)
		}
		last = t.role
	}
	if outputs {
		w.token(tokOutputsEnd)
		return &chat.Prompt{Spans: w.done()}, nil
	}
	if last != chat.User {
		w.token(tokAssistant)
	}
	return &chat.Prompt{Spans: w.done(), Start: chat.StartAuto}, nil
}

// answer writes an assistant's closed turn.
func answer(w *writer, t *turn, think bool) {
	text := t.text
	if think {
		text = afterThink(text)
	}
	w.text(text)
	if len(t.ToolCalls) > 0 {
		fencedCalls(w, t.ToolCalls)
	}
	w.token(tokEnd)
}

// openTurn writes an assistant's turn that is to be continued, without what
// comes before its text.
func openTurn(w *writer, t *turn, think bool) (*chat.Prompt, error) {
	p := &chat.Prompt{Start: chat.StartContent}
	if think && t.text == "" {
		w.token(tokThink)
		w.text("\n", t.Reasoning)
		p.Start = chat.StartReasoningContinued
	} else if think {
		w.text(afterThink(t.text))
	} else {
		w.text(t.text)
	}
	p.Spans = w.done()
	return p, nil
}

// output writes one result of a call; open says whether its block is open.
func output(w *writer, text string, open *bool) {
	if *open {
		w.text("\n")
	} else {
		w.token(tokOutputs)
		*open = true
	}
	w.token(tokOutput)
	w.text(text)
	w.token(tokOutputEnd)
}

// closeOutputs closes the block of results before an assistant's turn. Before a
// user's turn the templates leave it open, and so it was in training.
func closeOutputs(w *writer, next chat.Role, open *bool) {
	if *open && next == chat.Assistant {
		w.token(tokOutputsEnd)
		*open = false
	}
}

// afterOutput reports whether turn i comes straight after results.
func afterOutput(turns []turn, i int) bool {
	for i--; i >= 0; i-- {
		if turns[i].role != chat.System {
			return turns[i].role == chat.ToolRole
		}
	}
	return false
}

func lastSystem(turns []turn) string {
	for _, t := range slices.Backward(turns) {
		if t.role == chat.System {
			return t.text
		}
	}
	return ""
}
