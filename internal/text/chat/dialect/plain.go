package dialect

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// coderSystem is what Coder v1 is told if no system message is there.
const coderSystem = "You are an AI programming assistant, utilizing the Deepseek Coder model, developed by Deepseek Company, and you only answer questions related to computer science. For politically sensitive questions, security and privacy issues, and other non-computer science questions, you will refuse to answer\n"

// noTools refuses what the first models have no words for.
func noTools(r *chat.Request, turns []turn) error {
	if n := len(toolsOf(r)); n > 0 {
		return fmt.Errorf("%w (%d given)", chat.ErrNoTools, n)
	}
	for i, t := range turns {
		if t.role == chat.ToolRole || len(t.ToolCalls) > 0 {
			return fmt.Errorf("%w (message %d is part of a call)", chat.ErrNoTools, i)
		}
	}
	return nil
}

// renderLLM writes the format of LLM chat, MoE chat, V2 and Coder-V2.
func renderLLM(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	if err := noTools(r, turns); err != nil {
		return nil, err
	}
	var w writer
	w.token(tokBegin)
	open := prefixed(turns)
	for i, t := range turns {
		switch t.role {
		case chat.User:
			w.text("User: ", t.text, "\n\n")
		case chat.System:
			w.text(t.text, "\n\n")
		case chat.Assistant:
			w.text("Assistant: ", t.text)
			if open && i == len(turns)-1 {
				return &chat.Prompt{Spans: w.done()}, nil
			}
			w.token(tokEnd)
		}
	}
	w.text("Assistant:")
	return &chat.Prompt{Spans: w.done()}, nil
}

// renderCoder writes the format of Coder v1 instruct.
func renderCoder(r *chat.Request, turns []turn) (*chat.Prompt, error) {
	if err := noTools(r, turns); err != nil {
		return nil, err
	}
	var w writer
	w.token(tokBegin)
	told := false
	for _, t := range turns {
		told = told || t.role == chat.System
	}
	if !told {
		w.text(coderSystem)
	}
	open := prefixed(turns)
	for i, t := range turns {
		switch t.role {
		case chat.User:
			w.text("### Instruction:\n", t.text, "\n")
		case chat.System:
			w.text(t.text)
		case chat.Assistant:
			w.text("### Response:\n", t.text)
			if open && i == len(turns)-1 {
				return &chat.Prompt{Spans: w.done()}, nil
			}
			w.text("\n")
			w.token(tokEOT)
			w.text("\n")
		}
	}
	w.text("### Response:\n")
	return &chat.Prompt{Spans: w.done()}, nil
}
