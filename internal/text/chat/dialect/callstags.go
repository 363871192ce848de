package dialect

import "strings"

// tagCalls reads the calls of V3, R1 and V3.1, which stand between special
// tokens. With fenced the name follows the word "function" and the arguments
// stand in a fence; a call without either is read as V3.1 writes it.
type tagCalls struct {
	fenced bool
	state  tagState
	ends   []string // of the arguments
	json   inString // in the arguments
}

type tagState uint8

const (
	tagBlock     tagState = iota // between calls
	tagHead                      // before the separator
	tagName                      // in the line of the name
	tagFence                     // before the arguments
	tagArguments                 // in the arguments
)

var (
	tagBlockMarks = []string{tokCall, tokCallsEnd}
	tagCallEnds   = []string{tokCallEnd, tokCallsEnd, tokCall}
	tagHeadMarks  = append([]string{tokSep}, tagCallEnds...)
	tagNameMarks  = append([]string{"\n"}, tagCallEnds...)
	tagFences     = []string{"```json\n", "```\n"}
	tagFenceEnds  = fenceEnds()
)

// fenceEnds returns the ends of arguments in a fence: those with the fence come
// first, so that the fence is no part of the arguments.
func fenceEnds() []string {
	var ends []string
	for _, e := range tagCallEnds {
		ends = append(ends, "\n```"+e, "\n```\n"+e)
	}
	return append(ends, tagCallEnds...)
}

// feed implements callParser.
func (t *tagCalls) feed(p *parser, s string, last bool) (rest string, ended bool) {
	for {
		before, had := t.state, len(s)
		switch t.state {
		case tagBlock:
			which, rest := skip(s, tagBlockMarks)
			s = rest
			if which == 0 {
				t.state = tagHead
			}
			ended = which == 1
		case tagHead:
			s, ended = t.head(p, s)
		case tagName:
			s, ended = t.name(p, s)
		case tagFence:
			s = t.fence(s, last)
		case tagArguments:
			s, ended = t.arguments(p, s, last)
		}
		if ended || t.state == before && len(s) == had || s == "" {
			return s, ended
		}
	}
}

// end goes on after a text that ended a call.
func (t *tagCalls) end(what string) (ended bool) {
	switch {
	case strings.HasSuffix(what, tokCallsEnd):
		return true
	case strings.HasSuffix(what, tokCall):
		t.state = tagHead
	default:
		t.state = tagBlock
	}
	return false
}

// head reads the word before the separator: the kind of a call, or its name.
func (t *tagCalls) head(p *parser, s string) (string, bool) {
	at, which := earliest(s, tagHeadMarks)
	if which < 0 {
		return s, false
	}
	word := strings.TrimSpace(s[:at])
	rest := s[at+len(tagHeadMarks[which]):]
	if which > 0 {
		return rest, t.end(tagHeadMarks[which])
	}
	if t.fenced && word == "function" {
		t.state = tagName
		return rest, false
	}
	p.open(word)
	t.state, t.ends = tagArguments, tagCallEnds
	if t.fenced {
		t.state = tagFence
	}
	return rest, false
}

// name reads the line of a call's name.
func (t *tagCalls) name(p *parser, s string) (string, bool) {
	at, which := earliest(s, tagNameMarks)
	if which < 0 {
		return s, false
	}
	p.open(strings.TrimSpace(s[:at]))
	rest := s[at+len(tagNameMarks[which]):]
	if which > 0 {
		p.arguments("{}")
		return rest, t.end(tagNameMarks[which])
	}
	t.state = tagFence
	return rest, false
}

// fence decides whether the arguments stand in a fence.
func (t *tagCalls) fence(s string, last bool) string {
	rest := strings.TrimLeft(s, "\n")
	for _, f := range tagFences {
		if strings.HasPrefix(rest, f) {
			t.state, t.ends = tagArguments, tagFenceEnds
			return rest[len(f):]
		}
		if strings.HasPrefix(f, rest) && !last {
			return s
		}
	}
	if last && strings.HasPrefix(tagFences[0], rest) {
		return "" // the beginning of a fence
	}
	t.state, t.ends = tagArguments, tagCallEnds
	return rest
}

func (t *tagCalls) arguments(p *parser, s string, last bool) (string, bool) {
	at, which := earliest(s, t.ends)
	if p.clean {
		at, which = t.json.earliest(s, t.ends)
	}
	if which >= 0 {
		p.arguments(s[:at])
		t.json = inString{}
		return s[at+len(t.ends[which]):], t.end(t.ends[which])
	}
	n := partial(s, t.ends)
	if last && (!p.cut || !p.clean) && !strings.HasPrefix(s[len(s)-n:], "\n```") {
		n = 0 // the model's own last words
	}
	give := s[:len(s)-n]
	p.arguments(give)
	t.json.pass(give)
	if last {
		return "", false
	}
	return s[len(give):], false
}
