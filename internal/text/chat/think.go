package chat

import (
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/jinja"
)

// thinkTags are the texts around a model's reasoning; empty if it has none.
type thinkTags struct{ open, end string }

// knownTags are the tags that templates use.
var knownTags = []thinkTags{{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}, {"<seed:think>", "</seed:think>"}}

// findThinkTags picks the tags that a template mentions.
func findThinkTags(template string) thinkTags {
	for _, t := range knownTags {
		if strings.Contains(template, t.end) || strings.Contains(template, t.open) {
			return t
		}
	}
	return thinkTags{}
}

// start reads from a prompt's end in which state the answer begins.
func (t thinkTags) start(segs []jinja.Segment) ParseStart {
	if t.open == "" {
		return StartContent
	}
	if len(segs) > 0 && !segs[len(segs)-1].User {
		end := strings.TrimRight(segs[len(segs)-1].Text, " \n")
		switch {
		case strings.HasSuffix(end, t.open):
			return StartReasoning
		case strings.HasSuffix(end, t.end):
			return StartContent
		}
	}
	return StartAuto
}

// answerParser reads reasoning between tags, content, and calls. It follows the rules
// of DeepSeek's own parser: newlines, and only newlines, are dropped at the
// start of reasoning and content and right before the end tag; the first end
// tag ends the reasoning, further ones vanish from content; a start tag counts
// only where the answer may begin with one. Calls are read in content, if tools
// were declared: between tags wherever they begin, or as all of the content
// (CallsLlama). Special tokens of calls end the reasoning, too.
type answerParser struct {
	tags  thinkTags
	form  callForm
	o     ParserOptions
	stop  []string
	state parseState
	trim  bool        // newlines here are dropped: nothing was given yet
	held  string      // what may still become a tag, a stop text or dropped newlines
	call  *callReader // within a call
	block callBlock   // within a block of calls
	calls int         // so far
	out   []Event
	cut   bool // the answer was cut: it may end in a piece of a tag
	done  bool
}

type parseState uint8

const (
	inAuto parseState = iota
	inReasoning
	inContent
	inCall
	inBlock   // within a call, or several, of a form that has a reader of its own
	inBroken  // behind the point where a call goes wrong
	afterCall // behind a call: its end tag, and space, are dropped
)

func newAnswerParser(tags thinkTags, calls string, start ParseStart, o ParserOptions) *answerParser {
	p := &answerParser{tags: tags, trim: true, state: inContent}
	if o.Tools {
		p.form, p.o = formOf(calls), o
	}
	for _, s := range o.Stop {
		if s != "" {
			p.stop = append(p.stop, s)
		}
	}
	switch start {
	case StartReasoning:
		p.state = inReasoning
	case StartReasoningContinued:
		p.state, p.trim = inReasoning, false
	case StartContentContinued:
		p.trim = false
	case StartAuto:
		p.state = inAuto
	}
	if tags.open == "" {
		p.state = inContent
	}
	return p
}

// Reasoning reports whether what comes next is reasoning.
func (p *answerParser) Reasoning() bool { return p.state == inReasoning }

// Push takes the next piece of the answer.
func (p *answerParser) Push(text string) []Event {
	if p.done {
		return nil
	}
	p.held += text
	p.out = nil
	for p.step(false) {
	}
	return p.out
}

// Close ends the answer.
func (p *answerParser) Close(cut bool) []Event {
	if p.done {
		return nil
	}
	p.out, p.cut = nil, cut
	for p.step(true) {
	}
	switch {
	case p.done:
	case p.state == inCall:
		p.endCall(cut)
	case p.state == inBlock:
		p.block.end(p, p.held)
	}
	if p.done {
		return p.out
	}
	reason := FinishStop
	switch {
	case cut:
		reason = FinishLength
	case p.calls > 0:
		reason = FinishToolCalls
	}
	p.done = true
	return append(p.out, Done{Reason: reason})
}

// step consumes a part of what is held, and reports whether it should be called
// again. last says that nothing more will come.
func (p *answerParser) step(last bool) bool {
	if p.done || p.held == "" {
		return false
	}
	switch p.state {
	case inAuto:
		return p.stepAuto(last)
	case inReasoning:
		return p.stepReasoning(last)
	case inCall:
		return p.stepCall()
	case inBlock:
		return p.stepBlock()
	case inBroken:
		return p.stepBroken()
	case afterCall:
		return p.stepAfter(last)
	}
	return p.stepContent(last)
}

// stepAuto decides whether the answer begins with reasoning.
func (p *answerParser) stepAuto(last bool) bool {
	rest := strings.TrimLeft(p.held, "\n")
	switch {
	case strings.HasPrefix(rest, p.tags.open):
		p.held, p.state = rest[len(p.tags.open):], inReasoning
	case strings.HasPrefix(p.tags.open, rest) && !last:
		return false
	default:
		p.state = inContent
	}
	return true
}

// skipNewlines drops newlines at the start and reports whether text is left.
func (p *answerParser) skipNewlines() bool {
	if p.trim {
		p.held = strings.TrimLeft(p.held, "\n")
	}
	return p.held != ""
}

func (p *answerParser) stepReasoning(last bool) bool {
	if !p.skipNewlines() {
		return false
	}
	if at, mark := p.endOfReasoning(); at >= 0 {
		p.think(strings.TrimRight(p.held[:at], "\n"))
		p.held, p.state, p.trim = p.held[at+len(mark):], inContent, true
		return true
	}
	keep := 0
	if !last {
		keep = partial(p.held, p.tags.end)
		if p.form.special {
			keep = max(keep, p.openers())
		}
		body := p.held[:len(p.held)-keep]
		keep += len(body) - len(strings.TrimRight(body, "\n"))
	}
	p.think(p.held[:len(p.held)-keep])
	p.held = p.held[len(p.held)-keep:]
	return false
}

// endOfReasoning finds where the reasoning ends, and the tag that ends it: the end
// tag, or none in front of calls that begin with a special token, for some models go
// over to their calls without it. at is -1 if it goes on.
func (p *answerParser) endOfReasoning() (at int, tag string) {
	at = strings.Index(p.held, p.tags.end)
	if at >= 0 {
		tag = p.tags.end
	}
	if p.form.special {
		for _, s := range p.form.openers {
			if i := strings.Index(p.held, s); i >= 0 && (at < 0 || i < at) {
				at, tag = i, ""
			}
		}
	}
	return at, tag
}

func (p *answerParser) stepContent(last bool) bool {
	if !p.skipNewlines() {
		return false
	}
	if p.form.name == CallsLlama && p.trim {
		if is, more := p.bareCall(); is || more && !last {
			return is
		}
	}
	at, what := p.first()
	keep := p.keep(last)
	// A text that may have begun earlier must be decided first.
	if what == "" || len(p.held)-keep < at {
		p.text(p.held[:len(p.held)-keep])
		p.held = p.held[len(p.held)-keep:]
		return false
	}
	before := p.held[:at]
	p.held = p.held[at+len(what):]
	switch {
	case what == p.tags.end:
		p.text(before)
	case slices.Contains(p.form.openers, what):
		p.text(strings.TrimRight(before, "\n"))
		if p.form.block != nil {
			p.state, p.block = inBlock, p.form.block(what, &p.o)
		} else {
			p.beginCall(what, false)
		}
	default:
		p.text(before)
		p.held, p.done = "", true
		p.out = append(p.out, Done{Reason: FinishStop, Stop: what})
		return false
	}
	return true
}

// first finds the first text in what is held that means something.
func (p *answerParser) first() (at int, what string) {
	at = len(p.held)
	find := func(s string) {
		if i := strings.Index(p.held, s); s != "" && i >= 0 && (i < at || i == at && len(s) < len(what)) {
			at, what = i, s
		}
	}
	for _, s := range p.stop {
		find(s)
	}
	find(p.tags.end)
	for _, s := range p.form.openers {
		find(s)
	}
	return at, what
}

// keep returns how much of the end of what is held may become such a text, or be
// dropped in front of a call.
func (p *answerParser) keep(last bool) int {
	if last {
		return p.scrap()
	}
	n := max(partial(p.held, p.tags.end), p.markup())
	for _, s := range p.stop {
		n = max(n, partial(p.held, s))
	}
	if len(p.form.openers) > 0 {
		body := p.held[:len(p.held)-n]
		n += len(body) - len(strings.TrimRight(body, "\n"))
	}
	return n
}

// openers returns how much of the end of what is held may become the beginning of
// a call.
func (p *answerParser) openers() (n int) {
	for _, s := range p.form.openers {
		n = max(n, partial(p.held, s))
	}
	return n
}

// markup returns how much of the end of what is held may become a tag of calls.
func (p *answerParser) markup() (n int) {
	n = p.openers()
	for _, s := range p.form.closers {
		n = max(n, partial(p.held, s))
	}
	return n
}

// scrap returns how much of the end of an answer is a piece of a tag, and no text
// for anybody. Where the answer was cut, any beginning is one; otherwise only what
// cannot be much else.
func (p *answerParser) scrap() int {
	if len(p.form.openers) == 0 {
		return 0
	}
	n := p.markup()
	if p.cut {
		return max(n, partial(p.held, p.tags.end))
	}
	if n < len("<tool") {
		return 0
	}
	return n
}

func (p *answerParser) think(s string) {
	if s != "" {
		p.trim = false
		p.out = append(p.out, ThinkingDelta{s})
	}
}

func (p *answerParser) text(s string) {
	if s != "" {
		p.trim = false
		p.out = append(p.out, TextDelta{s})
	}
}

// partial returns the length of the longest end of s that begins tag.
func partial(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}
