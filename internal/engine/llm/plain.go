package llm

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A plainParser reads text that has no structure but stop texts.
type plainParser struct {
	stop []string
	held string // the end of the text, while it can become a stop text
	over bool
}

func newPlainParser(stop []string) *plainParser {
	p := &plainParser{}
	for _, s := range stop {
		if s != "" {
			p.stop = append(p.stop, s)
		}
	}
	return p
}

// Push implements chat.Parser.
func (p *plainParser) Push(text string) []chat.Event {
	if p.over {
		return nil
	}
	text = p.held + text
	at, which := len(text), ""
	for _, s := range p.stop { // the earliest wins; at one place, the first listed
		if i := strings.Index(text, s); i >= 0 && i < at {
			at, which = i, s
		}
	}
	if which != "" {
		p.over, p.held = true, ""
		return append(delta(text[:at]), chat.Done{Reason: chat.FinishStop, Stop: which})
	}
	keep := 0
	for _, s := range p.stop {
		keep = max(keep, overlap(text, s))
	}
	p.held = text[len(text)-keep:]
	return delta(text[:len(text)-keep])
}

// Close implements chat.Parser.
func (p *plainParser) Close(cut bool) []chat.Event {
	if p.over {
		return nil
	}
	p.over = true
	d := chat.Done{Reason: chat.FinishStop}
	if cut {
		d.Reason = chat.FinishLength
	}
	return append(delta(p.held), d)
}

func delta(text string) []chat.Event {
	if text == "" {
		return nil
	}
	return []chat.Event{chat.TextDelta{Text: text}}
}

// overlap returns the length of the longest end of text that begins stop
// without being all of it.
func overlap(text, stop string) int {
	for n := min(len(text), len(stop)-1); n > 0; n-- {
		if strings.HasPrefix(stop, text[len(text)-n:]) {
			return n
		}
	}
	return 0
}
