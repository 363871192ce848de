package dialect

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// The special tokens, as all vocabularies of the family spell them.
const (
	tokBegin     = "<｜begin▁of▁sentence｜>"
	tokEnd       = "<｜end▁of▁sentence｜>"
	tokSystem    = "<｜System｜>"
	tokUser      = "<｜User｜>"
	tokAssistant = "<｜Assistant｜>"
	tokReminder  = "<｜latest_reminder｜>"
	tokThink     = "<think>"
	tokThinkEnd  = "</think>"
	tokDSML      = "｜DSML｜"
	tokEOT       = "<|EOT|>" // ends the turns of Coder v1

	tokCalls      = "<｜tool▁calls▁begin｜>"
	tokCallsEnd   = "<｜tool▁calls▁end｜>"
	tokCall       = "<｜tool▁call▁begin｜>"
	tokCallEnd    = "<｜tool▁call▁end｜>"
	tokSep        = "<｜tool▁sep｜>"
	tokOutputs    = "<｜tool▁outputs▁begin｜>"
	tokOutputsEnd = "<｜tool▁outputs▁end｜>"
	tokOutput     = "<｜tool▁output▁begin｜>"
	tokOutputEnd  = "<｜tool▁output▁end｜>"

	tokFIMBegin = "<｜fim▁begin｜>"
	tokFIMHole  = "<｜fim▁hole｜>"
	tokFIMEnd   = "<｜fim▁end｜>"
)

// writer collects a prompt: each special token is a template span of its own,
// the text between two tokens is one plain span.
type writer struct {
	spans []tokenizer.Span
	plain strings.Builder
}

// token writes special tokens.
func (w *writer) token(tokens ...string) {
	for _, t := range tokens {
		w.flush()
		w.spans = append(w.spans, tokenizer.Span{Text: t, Template: true})
	}
}

// text writes plain text.
func (w *writer) text(parts ...string) {
	for _, s := range parts {
		w.plain.WriteString(s)
	}
}

// markup writes the dialect's own text, in which the spelling of the given
// tokens means the token. It is never used for text from outside.
func (w *writer) markup(s string, tokens ...string) {
	for {
		at, tok := len(s), ""
		for _, t := range tokens {
			if i := strings.Index(s, t); i >= 0 && i < at {
				at, tok = i, t
			}
		}
		w.text(s[:at])
		if tok == "" {
			return
		}
		w.token(tok)
		s = s[at+len(tok):]
	}
}

func (w *writer) flush() {
	if w.plain.Len() > 0 {
		w.spans = append(w.spans, tokenizer.Span{Text: w.plain.String()})
		w.plain.Reset()
	}
}

// done returns the spans.
func (w *writer) done() []tokenizer.Span {
	w.flush()
	return w.spans
}
