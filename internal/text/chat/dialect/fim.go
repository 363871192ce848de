package dialect

import "github.com/holdfast-llm/holdfast/internal/text/chat"

// FIM returns the prompt that asks a base model for what stands between two
// texts: prefix, suffix, then the middle. The answer is plain text that ends
// with the model's end token. All vocabularies of the family have the tokens.
func FIM(prefix, suffix string) *chat.Prompt {
	var w writer
	w.token(tokBegin, tokFIMBegin)
	w.text(prefix)
	w.token(tokFIMHole)
	w.text(suffix)
	w.token(tokFIMEnd)
	return &chat.Prompt{Spans: w.done(), Start: chat.StartContentContinued}
}
