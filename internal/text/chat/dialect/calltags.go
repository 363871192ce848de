package dialect

import (
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// The models from V2.5 to V3.1 write calls between special tokens. V3 and R1
// put the arguments into a fence of Markdown, V3.1 does not.

// fencedCalls writes the calls of V3 and R1.
func fencedCalls(w *writer, calls []chat.ToolCall) {
	w.token(tokCalls)
	for i, c := range calls {
		if i > 0 {
			w.text("\n")
		}
		w.token(tokCall)
		w.text("function")
		w.token(tokSep)
		w.text(c.Name, "\n```json\n", c.Arguments, "\n```")
		w.token(tokCallEnd)
	}
	w.token(tokCallsEnd)
}

// listTools writes the tools as V2.5's model card does, after the system text.
// The templates of V3 and R1 show no tools at all; V2.5's words are the nearest
// that DeepSeek published for calls of this form.
func listTools(w *writer, tools []chat.Tool) error {
	if len(tools) == 0 {
		return nil
	}
	w.text("\n\n## Tools\n\n### Function\n\nYou have the following functions available:\n\n")
	style := value.Style{Indent: 4}
	for i := range tools {
		v, err := function(&tools[i])
		if err != nil {
			return err
		}
		w.text("- `", tools[i].Name, "`:\n```json\n", style.Print(&v), "\n```\n")
	}
	return nil
}
