package dialect

import (
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// state is where in an answer a parser is.
type state uint8

const (
	inAuto      state = iota // the model may open the reasoning
	inReasoning              //
	inContent                //
	inSearch                 // JSON is wanted and has not begun
	inJSON                   // within it
	inAfter                  // behind it
	inCalls                  // within a block of calls
	inNothing                // behind the block
)

// parser reads one answer. The rules are those of DeepSeek's own parser:
// newlines, and nothing else, are dropped at the start of reasoning and content
// and right before an end tag or a block of calls; the first end tag ends the
// reasoning, further ones vanish; a block of calls may begin within reasoning
// too, if tools were declared; everything behind it is ignored; stop texts
// count in content only, and the one that is complete first counts.
//
// It keeps back only what may still become one of the texts it looks for, and
// newlines that may still be dropped, so that any cut of an answer into pieces
// gives the same.
type parser struct {
	state state
	trim  bool   // nothing was given yet: newlines are dropped
	json  bool   // the content is searched for JSON
	held  string // what was not yet given
	tail  string // the end of what was given in this state
	stops []string
	// opener begins a block of calls; empty if no tools were declared.
	opener string
	calls  callParser
	opened int // calls so far
	out    []chat.Event
	clean  bool // pieces of tags at the end are dropped
	cut    bool // the answer was cut: it may end in such a piece
	done   bool

	reasoning, content, search, after []string // the texts that are looked for
}

// callParser reads a block of calls. feed takes what it can of the held text
// and returns the rest; last says that nothing more will come, ended that the
// block is over.
type callParser interface {
	feed(p *parser, held string, last bool) (rest string, ended bool)
}

func newParser(kind callsKind, start chat.ParseStart, o chat.ParserOptions) *parser {
	p := &parser{trim: true, json: o.JSON, clean: o.Clean}
	for _, s := range o.Stop {
		if s != "" {
			p.stops = append(p.stops, s)
		}
	}
	p.calls = kind.parser()
	if o.Tools && p.calls != nil {
		p.opener = kind.opener()
		p.after = []string{p.opener}
	}
	p.reasoning = append([]string{tokThinkEnd}, p.after...)
	p.content = append(append(p.content, p.stops...), p.reasoning...)
	p.search = append([]string{"```json\n", "```\n", "{", "["}, p.after...)
	p.begin(start)
	return p
}

// begin sets the first state.
func (p *parser) begin(start chat.ParseStart) {
	p.toContent()
	switch start {
	case chat.StartReasoning:
		p.state = inReasoning
	case chat.StartReasoningContinued:
		p.state, p.trim = inReasoning, false
	case chat.StartContentContinued:
		p.trim = false
	case chat.StartAuto:
		p.state = inAuto
	case chat.StartToolCalls:
		if p.calls != nil {
			p.state = inCalls
		}
	}
}

func (p *parser) toContent() {
	p.state, p.trim, p.tail = inContent, true, ""
	if p.json {
		p.state = inSearch
	}
}

// Reasoning reports whether what comes next is reasoning.
func (p *parser) Reasoning() bool { return p.state == inReasoning }

// Push takes the next piece of the answer.
func (p *parser) Push(text string) []chat.Event {
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
func (p *parser) Close(cut bool) []chat.Event {
	if p.done {
		return nil
	}
	p.out, p.cut = nil, cut
	for p.step(true) {
	}
	if p.done {
		return p.out
	}
	p.done = true
	reason := chat.FinishStop
	switch {
	case cut:
		reason = chat.FinishLength
	case p.opened > 0:
		reason = chat.FinishToolCalls
	}
	return append(p.out, chat.Done{Reason: reason})
}

// step consumes a part of what is held and reports whether the state changed,
// so that there may be more to do. last says that nothing more will come.
func (p *parser) step(last bool) bool {
	if p.done {
		return false
	}
	switch p.state {
	case inAuto:
		return p.stepAuto(last)
	case inReasoning:
		return p.stepReasoning(last)
	case inContent:
		return p.stepContent(last)
	case inSearch:
		return p.stepSearch(last)
	case inJSON:
		return p.stepJSON(last)
	case inAfter:
		_, found := p.skipTo(p.after, last)
		if found {
			p.state = inCalls
		}
		return found
	case inCalls:
		var ended bool
		p.held, ended = p.calls.feed(p, p.held, last)
		if ended {
			p.state = inNothing
		}
		return ended
	}
	p.held = ""
	return false
}

// stepAuto decides whether the answer begins with reasoning.
func (p *parser) stepAuto(last bool) bool {
	rest := strings.TrimLeft(p.held, "\n")
	switch {
	case strings.HasPrefix(rest, tokThink):
		p.held, p.state = rest[len(tokThink):], inReasoning
	case strings.HasPrefix(tokThink, rest) && !last:
		return false
	default:
		p.toContent()
	}
	return true
}

func (p *parser) stepReasoning(last bool) bool {
	if p.trim {
		p.held = strings.TrimLeft(p.held, "\n")
	}
	if at, which := earliest(p.held, p.reasoning); which >= 0 {
		p.think(p.dropNewlines(p.held[:at], p.reasoning[which]))
		p.held = p.held[at+len(p.reasoning[which]):]
		if which == 0 {
			p.toContent()
		} else {
			p.state = inCalls
		}
		return true
	}
	give := p.held
	if !last {
		give = strings.TrimRight(give[:len(give)-partial(give, p.reasoning)], "\n")
	} else {
		give = p.withoutScrap(give)
	}
	p.think(give)
	p.held = p.held[len(give):]
	return false
}

func (p *parser) stepContent(last bool) bool {
	if p.trim && p.skipNewlines() {
		return false
	}
	at, which := earliest(p.held, p.content)
	if which < 0 {
		give := p.held
		if !last {
			give = give[:len(give)-partial(give, p.content)]
			if p.opener != "" {
				give = strings.TrimRight(give, "\n")
			}
		} else {
			give = p.withoutScrap(give)
		}
		p.text(give)
		p.held = p.held[len(give):]
		return false
	}
	what := p.content[which]
	before := p.held[:at]
	p.held = p.held[at+len(what):]
	switch {
	case which < len(p.stops):
		p.text(before)
		p.stop(what)
		return false
	case what == tokThinkEnd:
		p.text(before)
		p.trim, p.tail = false, ""
	default:
		p.text(p.dropNewlines(before, what))
		p.state = inCalls
	}
	return true
}

// withoutScrap returns the end of an answer without a piece of a tag. Where the
// answer was cut, any beginning of one is meant: an answer that ends by itself
// may end in "<", but not in the bar behind it.
func (p *parser) withoutScrap(s string) string {
	if p.opener == "" || !p.clean {
		return s
	}
	n := partial(s, p.reasoning)
	if !p.cut && n > 0 && !strings.Contains(s[len(s)-n:], "｜") {
		n = 0
	}
	return s[:len(s)-n]
}

// skipNewlines drops newlines at the start of content, and reports whether one
// of them was a stop text.
func (p *parser) skipNewlines() bool {
	rest := strings.TrimLeft(p.held, "\n")
	if rest != p.held {
		for _, s := range p.stops {
			if s == "\n" {
				p.stop(s)
				return true
			}
		}
	}
	p.held = rest
	return false
}

// dropNewlines drops the newlines that end the text before a tag. DeepSeek's
// parser keeps the first of them if it comes straight after a broken beginning
// of the same tag, and so does this one.
func (p *parser) dropNewlines(before, tag string) string {
	text := strings.TrimRight(before, "\n")
	if len(text) < len(before) && partial(p.tail+text, []string{tag}) > 0 {
		text = before[:len(text)+1]
	}
	return text
}

// keepTail remembers the end of what was given.
func (p *parser) keepTail(s string) {
	const longest = len(tokCalls) // no tag is longer
	p.tail += s
	p.tail = p.tail[max(0, len(p.tail)-longest):]
}

// stepSearch looks for the beginning of JSON: a fence or a bracket. What stands
// before it is no part of the content.
func (p *parser) stepSearch(last bool) bool {
	which, found := p.skipTo(p.search, last)
	if !found {
		return false
	}
	switch what := p.search[which]; what {
	case p.opener:
		p.state = inCalls
	case "{", "[":
		p.text(what)
		p.state = inJSON
	default:
		p.state = inJSON
	}
	return true
}

// jsonEnd ends JSON, whether a fence began it or not.
const jsonEnd = "\n```"

func (p *parser) stepJSON(last bool) bool {
	marks := append(slices.Clip(p.stops), jsonEnd)
	at, which := earliest(p.held, marks)
	if which < 0 {
		give := p.held
		if !last {
			give = give[:len(give)-partial(give, marks)]
		}
		p.text(give)
		p.held = p.held[len(give):]
		return false
	}
	p.text(p.held[:at])
	p.held = p.held[at+len(marks[which]):]
	if which < len(p.stops) {
		p.stop(marks[which])
		return false
	}
	p.state = inAfter
	return true
}

// skipTo drops everything up to one of the marks, and that too.
func (p *parser) skipTo(marks []string, last bool) (which int, found bool) {
	at, which := earliest(p.held, marks)
	if which >= 0 {
		p.held = p.held[at+len(marks[which]):]
		return which, true
	}
	keep := partial(p.held, marks)
	if last {
		keep = 0
	}
	p.held = p.held[len(p.held)-keep:]
	return 0, false
}

// stop ends the answer at a stop text.
func (p *parser) stop(what string) {
	p.held, p.done = "", true
	p.out = append(p.out, chat.Done{Reason: chat.FinishStop, Stop: what})
}

func (p *parser) think(s string) {
	if s != "" {
		p.trim = false
		p.keepTail(s)
		p.out = append(p.out, chat.ThinkingDelta{Text: s})
	}
}

func (p *parser) text(s string) {
	if s != "" {
		p.trim = false
		p.keepTail(s)
		p.out = append(p.out, chat.TextDelta{Text: s})
	}
}

// open begins a call.
func (p *parser) open(name string) {
	p.opened++
	p.out = append(p.out, chat.ToolCallDelta{Index: p.opened - 1, Name: name})
}

// arguments gives more of the last call's arguments.
func (p *parser) arguments(s string) {
	if s == "" {
		return
	}
	if n := len(p.out); n > 0 {
		// The pieces of one step are given as one.
		if d, ok := p.out[n-1].(chat.ToolCallDelta); ok && d.Index == p.opened-1 {
			d.Arguments += s
			p.out[n-1] = d
			return
		}
	}
	p.out = append(p.out, chat.ToolCallDelta{Index: p.opened - 1, Arguments: s})
}

// earliest returns where the mark begins that is complete first, and which one
// it is: the first in the list if several are complete at once, -1 if none is.
func earliest(s string, marks []string) (at, which int) {
	end, which := len(s)+1, -1
	for i, m := range marks {
		if j := strings.Index(s, m); m != "" && j >= 0 && j+len(m) < end {
			at, end, which = j, j+len(m), i
		}
	}
	return at, which
}

// partial returns the length of the longest end of s that begins one of the
// marks without completing it.
func partial(s string, marks []string) int {
	longest := 0
	for _, m := range marks {
		for n := min(len(s), len(m)-1); n > longest; n-- {
			if strings.HasSuffix(s, m[:n]) {
				longest = n
			}
		}
	}
	return longest
}
